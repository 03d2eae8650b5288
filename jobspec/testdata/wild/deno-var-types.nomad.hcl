# -var enable_tls=true
variable "enable_tls" {
  type    = bool
  default = false
}
variable "limits" {
  type = object({
    cpu    = number
    memory = number
    env    = optional(map(string), {})
  })
  default = {
    cpu    = 250
    memory = 128
  }
}
variable "domains" {
  type    = set(string)
  default = ["b.example.com", "a.example.com"]
}
job "deno" {
  group "deno" {
    network {
      port "http" {
        to = var.enable_tls ? 8443 : 8080
      }
    }
    task "deno" {
      driver = "docker"
      config {
        image = "denoland/deno:1.44"
        args  = concat(["run", "--allow-net"], var.enable_tls ? ["--cert", "/secrets/tls.pem"] : [], ["main.ts"])
      }
      env = {
        DOMAINS = join(" ", sort(var.domains))
        CONFIG  = jsonencode({ tls = var.enable_tls, domains = length(var.domains) })
      }
      resources {
        cpu    = var.limits.cpu
        memory = var.limits.memory
      }
    }
  }
}
