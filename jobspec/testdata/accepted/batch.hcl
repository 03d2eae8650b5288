job "batch" {
  type = "batch"
  periodic {
    crons            = ["*/15 * * * *", "@daily"]
    prohibit_overlap = true
    time_zone        = "Europe/Berlin"
    enabled          = false
  }
  reschedule {
    attempts = 3
    interval = "2h"
  }
  group "g" {
    max_run_duration = "30m"
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
