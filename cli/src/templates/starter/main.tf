# A template is a plain Terraform module. Its variables are the parameters of workspaces; the variable `workspace`
# receives the workspace that is built.

variable "region" {
  description = "Where the workspace runs."
  type        = string
  default     = "eu"

  validation {
    condition     = contains(["eu", "us"], var.region)
    error_message = "Choose eu or us."
  }
}

variable "cpu" {
  description = "How many cores it has."
  type        = number
  default     = 2

  validation {
    condition     = var.cpu >= 1 && var.cpu <= 8 && floor(var.cpu) == var.cpu
    error_message = "Choose 1 to 8 whole cores."
  }
}

variable "workspace" {
  type = object({
    id           = string
    name         = string
    transition   = string
    owner        = string
    organization = string
  })
}

# What outlives a stop.
resource "terraform_data" "home" {
  input = { owner = var.workspace.owner, region = var.region }
}

# What is there while the workspace runs.
resource "terraform_data" "machine" {
  count = var.workspace.transition == "start" ? 1 : 0
  input = { name = var.workspace.name, cpu = var.cpu }
}

output "metadata" {
  value = { region = var.region, cpu = tostring(var.cpu) }
}

# Credits a day, which count against quotas.
output "daily_cost" {
  value = var.workspace.transition == "start" ? var.cpu : 0
}
