# Tasks of one group share a network and a directory. A prestart task writes the page, the server shows it, and a sidecar asks
# the server for it every two seconds, over the loopback interface of their common network.
#
#   berth job run examples/sidecar.hcl
#   berth alloc logs -f -job page watcher

job "page" {
  group "page" {
    network {
      mode = "bridge"

      # A port of the machine's choice; `berth alloc status` shows it.
      port "http" {
        to = 8080
      }
    }

    task "write" {
      driver = "containerd"

      lifecycle {
        hook = "prestart"
      }

      config {
        image   = "berth.local/busybox:1"
        command = "/bin/sh"
        args    = ["-c", "mkdir -p $NOMAD_ALLOC_DIR/data && echo \"written by $NOMAD_TASK_NAME\" > $NOMAD_ALLOC_DIR/data/index.html"]
      }

      resources {
        cpu    = 50
        memory = 16
      }
    }

    task "server" {
      driver = "containerd"

      config {
        image   = "berth.local/busybox:1"
        command = "/bin/httpd"
        args    = ["-f", "-v", "-p", "8080", "-h", "${NOMAD_ALLOC_DIR}/data"]
      }

      resources {
        cpu    = 100
        memory = 32
      }
    }

    task "watcher" {
      driver = "containerd"

      lifecycle {
        hook    = "poststart"
        sidecar = true
      }

      config {
        image   = "berth.local/busybox:1"
        command = "/bin/sh"
        args    = ["-c", "while sleep 2; do wget -q -O - http://127.0.0.1:8080/; done"]
      }

      resources {
        cpu    = 50
        memory = 16
      }
    }
  }
}
