# A development container. It needs no provider from the network: what a real template would ask of Docker,
# this one only says aloud. Replace the `terraform_data` resources by `docker_*` ones to make it real.

terraform {
  required_version = ">= 1.4"
}

variable "image" {
  description = "Container image to start from."
  type        = string
  default     = "debian:bookworm"

  validation {
    condition     = contains(["debian:bookworm", "ubuntu:24.04", "fedora:43"], var.image)
    error_message = "The image must be debian:bookworm, ubuntu:24.04 or fedora:43."
  }
}

variable "cores" {
  description = "CPU cores the container may use."
  type        = number
  default     = 2

  validation {
    condition     = var.cores >= 1 && var.cores <= 16
    error_message = "Between 1 and 16 cores."
  }
}

variable "memory_gib" {
  description = "Memory the container may use, in GiB."
  type        = number
  default     = 4

  validation {
    condition     = var.memory_gib >= 1 && var.memory_gib <= 64
    error_message = "Between 1 and 64 GiB."
  }
}

variable "repositories" {
  description = "Git repositories to clone when the container starts."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for url in var.repositories : startswith(url, "https://")])
    error_message = "Every repository must be an https:// URL."
  }
}

variable "registry_token" {
  description = "Token for a private image registry; empty for public images."
  type        = string
  default     = ""
  sensitive   = true
}

# Given by Guildhall, never asked of a person.
variable "workspace" {
  type = object({
    id           = string
    name         = string
    transition   = string
    owner        = string
    organization = string
  })
}

locals {
  running = var.workspace.transition == "start"
  name    = "${var.workspace.owner}-${var.workspace.name}"
}

# The home folder stays when the workspace stops.
resource "terraform_data" "home_volume" {
  input = "home-${local.name}"
}

resource "terraform_data" "container" {
  count = local.running ? 1 : 0

  input            = { name = local.name, volume = terraform_data.home_volume.output }
  triggers_replace = [var.image, var.cores, var.memory_gib]

  provisioner "local-exec" {
    command = "echo \"Pulling $IMAGE\"; sleep 0.3; echo \"Container $NAME is up\""
    environment = {
      IMAGE = var.image
      NAME  = local.name
    }
  }

  provisioner "local-exec" {
    when    = destroy
    command = "echo \"Container $NAME is gone\""
    environment = {
      NAME = self.input.name
    }
  }
}

resource "terraform_data" "clone" {
  for_each = local.running ? toset(var.repositories) : toset([])

  triggers_replace = [terraform_data.container[0].id]

  provisioner "local-exec" {
    command = "echo \"Cloning $REPOSITORY\""
    environment = {
      REPOSITORY = each.value
    }
  }
}
