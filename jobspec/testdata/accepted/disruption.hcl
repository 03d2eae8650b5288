job "guarded" {
  priority_class = "batch-low"
  group "a" {
    count = 4
    disruption {
      min_available = "50%"
    }
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
  group "b" {
    count = 4
    disruption {
      max_unavailable = 1
    }
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
