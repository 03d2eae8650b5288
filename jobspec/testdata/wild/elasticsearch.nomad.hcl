locals {
  masters = ["es-0", "es-1", "es-2"]
  heap    = 2
}

job "elasticsearch" {
  datacenters = ["dc1"]

  migrate {
    max_parallel     = 1
    health_check     = "checks"
    min_healthy_time = "30s"
    healthy_deadline = "10m"
  }

  dynamic "group" {
    for_each = local.masters
    labels   = [group.value]

    content {
      count = 1

      volume "data" {
        type   = "host"
        source = "es-data-${group.key}"
      }

      network {
        port "http" { static = 9200 }
        port "transport" { static = 9300 }
      }

      service {
        name     = "elasticsearch"
        provider = "nomad"
        port     = "http"
        tags     = [group.value]
      }

      task "elasticsearch" {
        driver = "docker"
        user   = "1000:1000"

        config {
          image   = "docker.elastic.co/elasticsearch/elasticsearch:8.14.0"
          ports   = ["http", "transport"]
          cap_add = ["ipc_lock"]
          ulimit {
            memlock = "-1"
            nofile  = "65536"
          }
          sysctl = {
            "net.core.somaxconn" = "1024"
          }
        }

        volume_mount {
          volume      = "data"
          destination = "/usr/share/elasticsearch/data"
        }

        env = {
          "node.name"                    = group.value
          "cluster.initial_master_nodes" = join(",", local.masters)
          ES_JAVA_OPTS                   = "-Xms${local.heap}g -Xmx${local.heap}g"
        }

        resources {
          cpu    = 2000
          memory = local.heap * 1024 * 2
        }
        kill_timeout = "2m"
      }
    }
  }
}
