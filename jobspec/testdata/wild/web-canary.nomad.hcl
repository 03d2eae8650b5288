variable "image_tag" {
  type        = string
  description = "Release to run"
  default     = "v2.14.0"
}

job "storefront" {
  datacenters = ["dc1"]
  type        = "service"
  priority    = 70

  update {
    max_parallel      = 2
    canary            = 2
    min_healthy_time  = "20s"
    healthy_deadline  = "5m"
    progress_deadline = "15m"
    auto_promote      = true
    auto_revert       = true
  }

  group "web" {
    count = 6

    constraint {
      operator = "distinct_hosts"
      value    = "true"
    }

    spread {
      attribute = "${node.datacenter}"
    }

    network {
      mode = "bridge"
      port "http" {
        to = 8080
      }
      port "metrics" {
        to = 9102
      }
    }

    service {
      name     = "storefront"
      port     = "http"
      provider = "nomad"
      tags     = ["traefik.enable=true", "traefik.http.routers.storefront.rule=Host(`shop.example.com`)"]
      canary_tags = ["canary"]

      check {
        type     = "http"
        path     = "/healthz"
        interval = "10s"
        timeout  = "2s"
        check_restart {
          limit = 3
          grace = "30s"
        }
      }
    }

    service {
      name     = "storefront-metrics"
      port     = "metrics"
      provider = "nomad"
    }

    task "app" {
      driver = "docker"

      config {
        image = "registry.example.com/shop/storefront:${var.image_tag}"
        ports = ["http", "metrics"]
      }

      env {
        PORT      = "${NOMAD_PORT_http}"
        ADDR      = "0.0.0.0:${NOMAD_PORT_http}"
        LOG_LEVEL = "info"
        INSTANCE  = "${NOMAD_ALLOC_INDEX}"
      }

      resources {
        cpu        = 500
        memory     = 256
        memory_max = 512
      }

      kill_timeout = "25s"
    }
  }
}
