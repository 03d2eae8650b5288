job "web" {
  ttl_after_finished = "1h"
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
