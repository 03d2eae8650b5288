# A service: an HTTP server with a port of its own, updated one allocation at a time.
#
#   berth job run FILE
#   berth job status example

job "example" {
  group "web" {
    # How many of them run, on whichever nodes have room.
    count = 1

    # A network of its own. The node gives the port a free number; `berth alloc status` shows it.
    network {
      mode = "bridge"
      port "http" {
        to = 8080
      }
    }

    # A new version takes the place of an old one when it has been up for 10 seconds; one that never is is undone.
    update {
      max_parallel     = 1
      health_check     = "task_states"
      min_healthy_time = "10s"
      auto_revert      = true
    }

    task "server" {
      driver = "docker"

      config {
        image   = "busybox:1"
        command = "httpd"
        args    = ["-f", "-p", "8080"]
        ports   = ["http"]
      }

      resources {
        cpu    = 100 # MHz
        memory = 64  # MB
      }
    }
  }
}
