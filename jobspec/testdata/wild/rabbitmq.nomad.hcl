job "rabbit" {
  datacenters = ["dc1"]
  type = "service"

  group "cluster" {
    count = 3

    update {
      max_parallel = 1
    }

    migrate {
      max_parallel     = 1
      health_check     = "checks"
      min_healthy_time = "5s"
      healthy_deadline = "30s"
    }

    network {
      port "amqp" {}
      port "ui" {}
      port "discovery" { static = 4369 }
      port "clustering" { static = 25672 }
    }

    task "rabbit" {
      driver = "docker"

      config {
        image    = "pondidum/rabbitmq:consul"
        hostname = "${attr.unique.hostname}"
        labels   = { role = "broker" }
      }

      env {
        RABBITMQ_ERLANG_COOKIE = "generate_a_guid_ideally"
        RABBITMQ_DEFAULT_USER  = "test"
      }
    }
  }
}
