# Three servers that are replaced one by one when the job changes. Change the message and run it again:
#
#   berth job run -var message=hello examples/update.hcl
#   berth job run -var message=goodbye examples/update.hcl

variable "message" {
  type    = string
  default = "hello"
}

job "rolling" {
  group "web" {
    count = 3

    update {
      max_parallel     = 1
      min_healthy_time = "1s"
      healthy_deadline = "1m"
      auto_revert      = true
    }

    network {
      mode = "bridge"
      port "http" {
        to = 8080
      }
    }

    task "server" {
      driver = "containerd"

      config {
        image   = "berth.local/busybox:1"
        command = "/bin/sh"
        args    = ["-c", "echo \"$MESSAGE from $NOMAD_ALLOC_INDEX\" > /tmp/index.html && exec httpd -f -p 8080 -h /tmp"]
      }

      env {
        MESSAGE = var.message
      }

      resources {
        cpu    = 50
        memory = 16
      }
    }
  }
}
