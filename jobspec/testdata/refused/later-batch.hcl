job "later-batch" {
  type = "batch"
  group "g" {
    max_run_duration = "1h"
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
