locals {
  version = "11.1.0"
  labels = {
    team = "observability"
    tier = "internal"
  }
}

job "grafana" {
  datacenters = ["dc1"]

  meta = local.labels

  group "grafana" {
    network {
      mode = "bridge"
      port "http" { to = 3000 }
    }

    service {
      name     = "grafana"
      port     = "http"
      provider = "nomad"
      tags     = [for k, v in local.labels : "${k}=${v}"]
    }

    volume "grafana" {
      type            = "host"
      source          = "grafana"
      access_mode     = "single-node-writer"
      attachment_mode = "file-system"
    }

    task "grafana" {
      driver = "docker"
      user   = "472"

      volume_mount {
        volume      = "grafana"
        destination = "/var/lib/grafana"
        read_only   = false
      }

      config {
        image = "grafana/grafana:${local.version}"
        ports = ["http"]
      }

      env {
        GF_LOG_LEVEL          = "WARN"
        GF_LOG_MODE           = "console"
        GF_PATHS_PROVISIONING = "${NOMAD_TASK_DIR}/provisioning"
        GF_SERVER_HTTP_PORT   = "3000"
      }

      template {
        data        = yamlencode({ apiVersion = 1, datasources = [{ name = "Prometheus", type = "prometheus", url = "http://prometheus.service:9090" }] })
        destination = "local/provisioning/datasources/prometheus.yaml"
        perms       = "644"
      }

      resources {
        cpu    = 300
        memory = 256
      }
    }
  }
}
