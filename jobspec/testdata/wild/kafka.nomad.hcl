variable "brokers" {
  type    = number
  default = 3
  validation {
    condition     = var.brokers % 2 == 1
    error_message = "The number of brokers must be odd."
  }
}

variable "heap_mb" {
  type    = number
  default = 1024
}

job "kafka" {
  datacenters = ["dc1"]

  group "broker" {
    count = var.brokers

    constraint {
      distinct_hosts = true
    }

    constraint {
      attribute = "${attr.cpu.arch}"
      value     = "amd64"
    }

    affinity {
      attribute = "${meta.disk}"
      value     = "nvme"
      weight    = 80
    }

    volume "data" {
      type      = "host"
      source    = "kafka"
      per_alloc = false
    }

    network {
      port "kafka" { static = 9092 }
      port "controller" { static = 9093 }
    }

    disconnect {
      lost_after = "30m"
      replace    = false
      reconcile  = "keep_original"
    }

    task "kafka" {
      driver = "docker"
      config {
        image        = "apache/kafka:3.7.0"
        network_mode = "host"
        ulimit {
          nofile = "100000:100000"
        }
      }
      volume_mount {
        volume      = "data"
        destination = "/var/lib/kafka"
      }
      env {
        KAFKA_NODE_ID    = "${NOMAD_ALLOC_INDEX}"
        KAFKA_HEAP_OPTS  = format("-Xms%dm -Xmx%dm", var.heap_mb, var.heap_mb)
        KAFKA_LISTENERS  = "PLAINTEXT://${NOMAD_ADDR_kafka},CONTROLLER://${NOMAD_ADDR_controller}"
        KAFKA_LOG_DIRS   = "/var/lib/kafka"
      }
      kill_timeout = "20s"
      resources {
        cpu    = 2000
        memory = var.heap_mb * 2
      }
    }
  }
}
