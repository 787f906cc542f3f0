variable "region" {
  description = "Where the machine runs. Another region means another disk: its content is lost."
  type        = string
  default     = "eu-west"

  validation {
    condition     = contains(["eu-west", "eu-north", "us-east", "ap-south"], var.region)
    error_message = "The region must be eu-west, eu-north, us-east or ap-south."
  }
}

variable "machine_type" {
  description = "Size of the machine: 2, 4 or 16 cores, or 8 cores with a GPU."
  type        = string
  default     = "small"

  validation {
    condition     = contains(["small", "medium", "large", "gpu"], var.machine_type)
    error_message = "The machine type must be small, medium, large or gpu."
  }
}

variable "disk_gib" {
  description = "Size of the data disk in GiB."
  type        = number
  default     = 50

  validation {
    condition     = var.disk_gib >= 10 && var.disk_gib <= 2000
    error_message = "Between 10 and 2000 GiB."
  }
}

variable "labels" {
  description = "Labels of the machine, e.g. for accounting."
  type        = map(string)
  default     = {}
}

variable "admin_password" {
  description = "Password of the account `admin`; empty for keys alone."
  type        = string
  default     = ""
  sensitive   = true

  validation {
    condition     = var.admin_password == "" || length(var.admin_password) >= 12
    error_message = "At least 12 characters, or none."
  }
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
