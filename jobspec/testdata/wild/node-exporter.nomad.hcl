job "node-exporter" {
  datacenters = ["*"]
  type        = "system"

  update {
    max_parallel     = 1
    health_check     = "task_states"
    min_healthy_time = "5s"
  }

  group "exporter" {
    network {
      mode = "host"
      port "metrics" { static = 9100 }
    }

    service {
      name         = "node-exporter"
      port         = "metrics"
      provider     = "nomad"
      address_mode = "host"
    }

    task "node-exporter" {
      driver = "docker"
      config {
        image        = "prom/node-exporter:v1.8.1"
        network_mode = "host"
        args = [
          "--path.procfs=/host/proc",
          "--path.sysfs=/host/sys",
          "--path.rootfs=/rootfs",
          "--web.listen-address=${NOMAD_ADDR_metrics}",
        ]
        volumes = [
          "/proc:/host/proc:ro",
          "/sys:/host/sys:ro",
          "/:/rootfs:ro",
        ]
      }
      resources {
        cpu    = 50
        memory = 50
      }
    }
  }
}
