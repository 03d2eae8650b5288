job "prune" {
  type        = "sysbatch"
  datacenters = ["*"]

  periodic {
    cron             = "@weekly"
    prohibit_overlap = true
  }

  constraint {
    attribute = "${attr.kernel.name}"
    value     = "linux"
  }

  group "prune" {
    restart {
      attempts = 1
      interval = "1h"
      mode     = "fail"
    }
    task "prune" {
      driver = "containerd"
      config {
        image      = "docker.io/library/alpine:3.20"
        command    = "/bin/sh"
        args       = ["-c", "find /cache -mtime +30 -delete"]
        mounts = [
          {
            type   = "bind"
            source = "/var/cache/app"
            target = "/cache"
          }
        ]
      }
      resources {
        cpu    = 100
        memory = 64
      }
    }
  }
}
