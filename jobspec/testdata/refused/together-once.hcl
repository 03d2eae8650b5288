job "together-once" {
  group "g" {
    network {
      mode = "bridge"
      cni {
        args = { IgnoreUnknown = "true" }
      }
    }
    network {
      cni {
        args = { IgnoreUnknown = "false" }
      }
    }
    service {
      name = "web"
      identity {
        aud         = ["a"]
        change_mode = "reload"
        filepath    = "../../x"
      }
    }
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
      template {
        data        = "x"
        destination = "local/x"
        change_script {
          args = ["x"]
        }
      }
    }
  }
}
