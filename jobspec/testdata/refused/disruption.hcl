job "guarded" {
  group "both" {
    disruption {
      min_available   = 1
      max_unavailable = 1
    }
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
  group "neither" {
    disruption {}
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
  group "words" {
    disruption {
      max_unavailable = "half"
    }
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
  group "much" {
    disruption {
      max_unavailable = "101%"
    }
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
  group "stuck" {
    count = 2
    disruption {
      min_available = 2
    }
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
