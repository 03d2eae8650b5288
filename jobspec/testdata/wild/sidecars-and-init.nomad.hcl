job "billing" {
  group "api" {
    count = 3

    network {
      mode = "bridge"
      port "http" {}
    }

    task "wait-for-db" {
      lifecycle {
        hook    = "prestart"
        sidecar = false
      }
      driver = "docker"
      config {
        image   = "busybox:1.36"
        command = "sh"
        args    = ["-c", "until nc -z postgres.internal 5432; do sleep 1; done"]
      }
      resources {
        cpu    = 50
        memory = 32
      }
    }

    task "migrate" {
      lifecycle {
        hook = "prestart"
      }
      driver = "docker"
      config {
        image = "example/billing:5"
        args  = ["migrate", "up"]
      }
    }

    task "statsd" {
      lifecycle {
        hook    = "prestart"
        sidecar = true
      }
      driver = "docker"
      config {
        image = "prom/statsd-exporter:v0.26.1"
      }
      resources {
        cpu    = 50
        memory = 64
      }
    }

    task "api" {
      driver = "docker"
      leader = true
      config {
        image = "example/billing:5"
        args  = ["serve", "-listen", ":${NOMAD_PORT_http}"]
        ports = ["http"]
      }
    }

    task "warm-cache" {
      lifecycle {
        hook = "poststart"
      }
      driver = "docker"
      config {
        image   = "curlimages/curl:8.8.0"
        command = "curl"
        args    = ["-fsS", "http://127.0.0.1:${NOMAD_PORT_http}/warm"]
      }
    }

    task "goodbye" {
      lifecycle {
        hook = "poststop"
      }
      driver = "docker"
      config {
        image   = "curlimages/curl:8.8.0"
        command = "curl"
        args    = ["-X", "DELETE", "http://inventory.internal/instances/${NOMAD_ALLOC_ID}"]
      }
    }
  }
}
