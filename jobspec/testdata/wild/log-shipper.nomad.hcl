job "vector" {
  datacenters = ["*"]
  type        = "system"
  priority    = 90
  node_pool   = "all"

  group "vector" {
    network {
      port "api" {
        to = 8686
      }
    }

    ephemeral_disk {
      size   = 500
      sticky = true
    }

    update {
      max_parallel = 5
      stagger      = "10s"
    }

    task "vector" {
      driver = "docker"

      config {
        image   = "timberio/vector:0.39.0-alpine"
        ports   = ["api"]
        volumes = ["/var/log:/var/log:ro", "local/vector.toml:/etc/vector/vector.toml:ro"]
      }

      env {
        VECTOR_CONFIG          = "/etc/vector/vector.toml"
        VECTOR_REQUIRE_HEALTHY = "true"
      }

      template {
        destination     = "local/vector.toml"
        change_mode     = "signal"
        change_signal   = "SIGHUP"
        left_delimiter  = "[["
        right_delimiter = "]]"
        data            = <<EOH
data_dir = "alloc/data/"
[sources.journal]
  type    = "file"
  include = ["/var/log/**/*.log"]
[sinks.loki]
  type     = "loki"
  inputs   = ["journal"]
  endpoint = "http://[[ range nomadService "loki" ]][[ .Address ]]:[[ .Port ]][[ end ]]"
  labels.host = "${node.unique.name}"
EOH
      }

      service {
        name     = "vector"
        provider = "nomad"
        port     = "api"
        check {
          port     = "api"
          type     = "http"
          path     = "/health"
          interval = "30s"
          timeout  = "5s"
        }
      }

      resources {
        cpu    = 200
        memory = 128
      }
      kill_timeout = "30s"
    }
  }
}
