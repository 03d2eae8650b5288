job "loki" {
  group "loki" {
    network {
      mode = "bridge"
      port "http" {
        to           = 3100
        host_network = "private"
      }
    }

    service {
      name     = "loki"
      provider = "nomad"
      port     = "http"
      tags     = ["logs"]
      meta {
        version = "2.9"
      }
      check {
        name     = "ready"
        type     = "http"
        path     = "/ready"
        method   = "GET"
        interval = "15s"
        timeout  = "3s"
        header {
          Accept = ["text/plain"]
        }
      }
    }

    task "loki" {
      driver = "docker"
      user   = "10001"
      config {
        image = "grafana/loki:2.9.8"
        args  = ["-config.file=/local/loki.yml", "-target=all"]
        ports = ["http"]
      }
      template {
        destination = "local/loki.yml"
        data = yamlencode({
          auth_enabled = false
          server = {
            http_listen_port = 3100
          }
          limits_config = {
            reject_old_samples = true
          }
        })
      }
      resources {
        cpu    = 512
        memory = 512
      }
    }
  }
}
