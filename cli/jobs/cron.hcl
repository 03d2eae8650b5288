# A batch job that is launched by a schedule.
#
#   berth job run FILE
#   berth job periodic force example    # once more, now

job "example" {
  type = "batch"

  periodic {
    # Minute, hour, day of month, month, day of week: every day at half past two.
    crons     = ["30 2 * * *"]
    time_zone = "UTC"

    # A launch leaves itself out while the last one still runs.
    prohibit_overlap = true
  }

  group "work" {
    task "work" {
      driver = "docker"

      config {
        image   = "busybox:1"
        command = "sh"
        args    = ["-c", "date; echo done"]
      }

      resources {
        cpu    = 100 # MHz
        memory = 32  # MB
      }
    }
  }
}
