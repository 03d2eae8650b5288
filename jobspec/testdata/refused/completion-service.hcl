job "web" {
  group "g" {
    completion {
      retries = 1
    }
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
