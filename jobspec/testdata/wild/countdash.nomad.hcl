job "countdash" {
  datacenters = ["dc1"]

  group "api" {
    network {
      mode = "bridge"
      port "http" {
        to = 9001
      }
    }

    service {
      name     = "count-api"
      port     = "http"
      provider = "nomad"
    }

    task "web" {
      driver = "docker"
      config {
        image = "hashicorpdev/counter-api:v3"
      }
    }
  }

  group "dashboard" {
    network {
      mode = "bridge"
      port "http" {
        static = 9002
        to     = 9002
      }
    }

    task "dashboard" {
      driver = "docker"
      env {
        COUNTING_SERVICE_URL = "http://${NOMAD_UPSTREAM_ADDR_count_api}"
      }
      template {
        data        = "{{ range nomadService \"count-api\" }}COUNTING_SERVICE_URL=http://{{ .Address }}:{{ .Port }}{{ end }}\n"
        destination = "local/env"
        env         = true
      }
      config {
        image = "hashicorpdev/counter-dashboard:v3"
      }
    }
  }
}
