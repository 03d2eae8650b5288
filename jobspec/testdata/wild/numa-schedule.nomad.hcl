job "trading" {
  group "engine" {
    task "engine" {
      driver = "docker"
      config {
        image = "example/engine:9"
      }
      resources {
        cores  = 8
        memory = 4096
        numa {
          affinity = "prefer"
        }
      }
    }
  }
}
