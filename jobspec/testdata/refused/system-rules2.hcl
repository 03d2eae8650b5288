job "system-rules2" {
  type = "system"
  group "g" {
    count = 1
    disconnect {
      stop_on_client_after = "1h"
    }
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
