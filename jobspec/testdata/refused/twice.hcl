job "twice" {
  update {
    canary = 1
  }
  update {
    canary = 2
  }
  meta {
    a = "1"
  }
  meta = { b = "2" }
  group "g" {
    volume "v" {
      type   = "host"
      source = "a"
    }
    volume "v" {
      type   = "host"
      source = "b"
    }
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
      env = { A = "1" }
      env {
        B = "2"
      }
      resources {
        cpu = 100
      }
      resources {
        cpu = 200
      }
    }
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
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
