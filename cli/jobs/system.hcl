# A system job: one on every node that fits, on those that join later too.
#
#   berth job run FILE

job "example" {
  type = "system"

  group "agent" {
    # Which nodes fit. Without it all do.
    constraint {
      attribute = "${attr.kernel.name}"
      value     = "linux"
    }

    task "agent" {
      driver = "docker"

      config {
        image   = "busybox:1"
        command = "sh"
        args    = ["-c", "while :; do uptime; sleep 60; done"]
      }

      resources {
        cpu    = 50 # MHz
        memory = 32 # MB
      }
    }
  }
}
