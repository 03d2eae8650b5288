job {
  group "a" "b" {
    network {
      port {
        static = 80
      }
      port "x" "y" {
        static = 81
      }
    }
    volume {
      type   = "host"
      source = "s"
    }
    task {
      driver = "docker"
      config {
        image = "a"
      }
      resources "big" {
        cpu = 100
      }
    }
  }
}
