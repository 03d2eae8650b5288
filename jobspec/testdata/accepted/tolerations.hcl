job "tolerant" {
  toleration {
    key      = "dedicated"
    value    = "gpu"
    effect   = "NoSchedule"
  }
  group "g" {
    toleration {
      operator = "exists"
    }
    toleration {
      key      = "maintenance"
      operator = "exists"
      effect   = "NoExecute"
      duration = "5m"
    }
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
