job "dynamic" {
  group "g" {
    network {
      dynamic "port" {
        for_each = 5
        labels   = ["p"]
        content {
        }
      }
      dynamic "port" {
        labels = ["p"]
      }
      dynamic "prot" {
        for_each = ["a"]
        labels   = [prot.value]
        content {
          to = 80
        }
      }
      dynamic "port" {
        for_each = ["a", "b"]
        iterator = it
        labels   = [port.value]
        content {
          to = 80
        }
      }
      dynamic {
      }
      dynamic "port" {
        for_each = ["a"]
        label    = ["x"]
        content {
          too = 1
        }
      }
    }
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
