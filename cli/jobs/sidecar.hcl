# Tasks of one group share a network and a directory: one prepares, one serves, one runs beside it.
#
#   berth job run FILE
#   berth alloc logs -f -job example watcher

job "example" {
  group "page" {
    network {
      mode = "bridge"
      port "http" {
        to = 8080
      }
    }

    # Runs to its end before the others start.
    task "prepare" {
      driver = "docker"

      lifecycle {
        hook = "prestart"
      }

      config {
        image   = "busybox:1"
        command = "sh"
        args    = ["-c", "mkdir -p $NOMAD_ALLOC_DIR/data && echo 'It works' > $NOMAD_ALLOC_DIR/data/index.html"]
      }

      resources {
        cpu    = 50 # MHz
        memory = 16 # MB
      }
    }

    task "server" {
      driver = "docker"

      config {
        image   = "busybox:1"
        command = "httpd"
        args    = ["-f", "-p", "8080", "-h", "${NOMAD_ALLOC_DIR}/data"]
        ports   = ["http"]
      }

      resources {
        cpu    = 100 # MHz
        memory = 32  # MB
      }
    }

    # Starts when the server runs, and keeps running beside it.
    task "watcher" {
      driver = "docker"

      lifecycle {
        hook    = "poststart"
        sidecar = true
      }

      config {
        image   = "busybox:1"
        command = "sh"
        args    = ["-c", "while sleep 5; do wget -q -O - http://127.0.0.1:8080/; done"]
      }

      resources {
        cpu    = 50 # MHz
        memory = 16 # MB
      }
    }
  }
}
