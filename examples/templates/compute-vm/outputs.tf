output "apps" {
  description = "What can be opened while the machine runs."
  value = local.running ? [
    { name = "Console", url = "https://console.example.com/${var.region}/${local.name}", icon = "🖥️" },
  ] : []
}

output "metadata" {
  description = "What is shown beside the workspace."
  value = merge(var.labels, {
    region  = var.region
    machine = var.machine_type
    disk    = "${var.disk_gib} GiB"
  })
}

output "daily_cost" {
  description = "The machine while it runs, and 1 for every 50 GiB of disk."
  value       = (local.running ? local.prices[var.machine_type] : 0) + ceil(var.disk_gib / 50)
}
