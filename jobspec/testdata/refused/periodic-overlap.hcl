job "p" {
  type = "batch"
  periodic {
    crons            = ["@hourly"]
    prohibit_overlap = true
    overlap          = "allow"
    catch_up         = "some"
    start_deadline   = "-1m"
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
