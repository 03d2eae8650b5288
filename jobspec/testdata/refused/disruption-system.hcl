job "guarded" {
  type = "system"
  group "a" {
    disruption {
      min_available = 1
    }
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
