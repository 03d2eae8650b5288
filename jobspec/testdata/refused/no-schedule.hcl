job "no-schedule" {
  type = "batch"
  periodic {
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
