output "apps" {
  description = "What can be opened while the workspace runs."
  value = local.running ? [
    { name = "VS Code", url = "http://${local.name}.localhost:8443/", icon = "💻" },
    { name = "Terminal", url = "http://${local.name}.localhost:7681/", icon = "🖥️" },
  ] : []
}

output "metadata" {
  description = "What is shown beside the workspace."
  value = {
    image  = var.image
    cores  = tostring(var.cores)
    memory = "${var.memory_gib} GiB"
    volume = terraform_data.home_volume.output
  }
}

output "daily_cost" {
  description = "1 for the volume, and 1 for every core while it runs."
  value       = 1 + (local.running ? var.cores : 0)
}
