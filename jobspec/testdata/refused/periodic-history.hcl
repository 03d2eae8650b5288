job "p" {
  type               = "batch"
  ttl_after_finished = "1h"
  periodic {
    crons           = ["@hourly"]
    keep_successful = 1001
    keep_failed     = 1
  }
  group "g" {
    task "t" {
      driver = "docker"
      config {
        image = "busybox"
      }
    }
  }
}
