job "periodic" {
  type = "batch"
  periodic {
    crons          = ["0 3 * * *", "@daily"]
    time_zone      = "Europe/Berlin"
    overlap        = "replace"
    catch_up       = "all"
    start_deadline = "1h"
    keep_successful = 3
    keep_failed     = 1
  }
  group "g" {
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
