job "tolerant" {
  toleration {
    operator = "equal"
  }
  group "g" {
    toleration {
      key      = "a"
      operator = "like"
    }
    toleration {
      key      = "a"
      operator = "exists"
      value    = "b"
    }
    toleration {
      key    = "a"
      effect = "NoShedule"
    }
    toleration {
      key      = "a"
      duration = "5m"
    }
    toleration {
      key      = "a"
      effect   = "NoExecute"
      duration = "soon"
    }
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
