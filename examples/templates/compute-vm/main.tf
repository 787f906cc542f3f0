# A virtual machine with a data disk. It needs no provider from the network: what a real template would ask of a
# cloud, this one only says aloud.

terraform {
  required_version = ">= 1.4"
}

locals {
  running = var.workspace.transition == "start"
  name    = "${var.workspace.organization}-${var.workspace.owner}-${var.workspace.name}"

  # Cost of a day, by machine type.
  prices = { small = 4, medium = 9, large = 20, gpu = 60 }
}

# The disk stays when the machine stops, and is made anew only in another region.
resource "terraform_data" "disk" {
  input            = { name = "disk-${local.name}", size_gib = var.disk_gib }
  triggers_replace = [var.region]
}

resource "terraform_data" "network" {
  input = { cidr = "10.20.0.0/24", region = var.region }
}

resource "terraform_data" "machine" {
  count = local.running ? 1 : 0

  input            = { name = local.name, disk = terraform_data.disk.output.name }
  triggers_replace = [var.region, var.machine_type, terraform_data.disk.id, terraform_data.network.id]

  provisioner "local-exec" {
    command = "echo \"Creating $TYPE machine in $REGION\"; sleep 0.5; echo \"Machine $NAME is ready\""
    environment = {
      NAME   = local.name
      TYPE   = var.machine_type
      REGION = var.region
    }
  }

  provisioner "local-exec" {
    when    = destroy
    command = "echo \"Machine $NAME is gone\""
    environment = {
      NAME = self.input.name
    }
  }
}
