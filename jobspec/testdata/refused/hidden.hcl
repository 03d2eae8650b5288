job "we\u202eb" {
  name = "we\u200bb"
  group "g\u2066" {
    task "t\u0007" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
