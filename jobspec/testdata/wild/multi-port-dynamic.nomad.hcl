variable "ports" {
  type = map(object({
    to     = number
    static = optional(number)
  }))
  default = {
    http  = { to = 80 }
    https = { to = 443, static = 8443 }
    admin = { to = 9000 }
  }
}

job "edge" {
  group "edge" {
    network {
      mode = "bridge"
      dynamic "port" {
        for_each = var.ports
        labels   = [port.key]
        content {
          to     = port.value.to
          static = port.value.static
        }
      }
    }

    dynamic "service" {
      for_each = var.ports
      iterator = p
      content {
        name     = "edge-${p.key}"
        port     = p.key
        provider = "nomad"
      }
    }

    task "nginx" {
      driver = "docker"
      config {
        image = "nginx:1.27-alpine"
        ports = keys(var.ports)
      }
    }
  }
}
