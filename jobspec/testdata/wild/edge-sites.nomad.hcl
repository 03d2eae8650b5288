variable "sites" {
  type    = list(string)
  default = ["berlin", "oslo"]
}
job "edge-cache" {
  datacenters = var.sites
  type        = "system"
  group "cache" {
    disconnect {
      lost_after = "12h"
      reconcile  = "longest_running"
    }
    constraint {
      attribute = "${meta.role}"
      value     = "edge"
    }
    network {
      port "http" { static = 80 }
    }
    task "varnish" {
      driver = "docker"
      config {
        image = "varnish:7.5-alpine"
        ports = ["http"]
      }
      env {
        VARNISH_SIZE = "${length(var.sites) > 3 ? "2G" : "512M"}"
      }
    }
  }
}
