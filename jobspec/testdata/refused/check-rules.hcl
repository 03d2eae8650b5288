job "check-rules" {
  group "g" {
    network {
      port "http" {
      }
    }
    volume "v" {
      type      = "host"
      source    = "a"
      per_alloc = true
    }
    update {
      canary = 1
    }
    service {
      name     = "native"
      provider = "nomad"
      port     = "http"
      check {
        type      = "http"
        path      = "/"
        interval  = "10s"
        timeout   = "2s"
        on_update = "ignore_warnings"
        notes     = join("", [for i in range(30) : "ten chars "])
      }
    }
    service {
      name     = "consul"
      provider = "consul"
      check {
        type         = "http"
        path         = "%zz"
        interval     = "10s"
        timeout      = "2s"
        address_mode = "driver"
      }
      check {
        type     = "script"
        command  = "/bin/true"
        interval = "10s"
        timeout  = "2s"
      }
    }
    task "a" {
      driver = "docker"
      config {
        image = "a"
      }
    }
    task "b" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
