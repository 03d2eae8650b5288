# An HTTP server in a container, with a network of its own and a port published on the machine.
#
#   berth job run examples/web.hcl
#   curl http://127.0.0.1:8080/

job "web" {
  group "web" {
    count = 1

    network {
      mode = "bridge"

      # 8080 on the machine leads to 8080 inside the allocation.
      port "http" {
        static = 8080
        to     = 8080
      }
    }

    task "server" {
      driver = "containerd"

      config {
        image = "berth.local/web:1"
      }

      env {
        PORT = "${NOMAD_PORT_http}"
      }

      resources {
        cpu    = 100 # MHz
        memory = 64  # MB
      }
    }
  }
}
