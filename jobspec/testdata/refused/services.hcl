job "services" {
  group "g" {
    network {
      mode = "host"
      port "http" {}
    }
    service {
      name         = "web"
      port         = "http"
      address_mode = "driver"
      address      = "10.0.0.1"
      on_update    = "always"
      task         = "wbe"
      weights {
        passing = -1
      }
      identity {
        name = "x"
      }
      check_restart {
        limit = -1
      }
      check {
        name                     = "http"
        type                     = "http"
        path                     = "https://example.com/x"
        protocol                 = "ftp"
        method                   = "FETCH"
        interval                 = "10s"
        timeout                  = "20s"
        initial_status           = "fine"
        failures_before_critical = -1
        on_update                = "ignore"
        check_restart {
          limit = 3
        }
      }
      check {
        type     = "script"
        interval = "10s"
        timeout  = "2s"
      }
      check {
        type         = "grpc"
        port         = "http"
        address_mode = "auto"
        interval     = "10s"
        timeout      = "2s"
        grpc_service = "x"
        header {
          A = "x"
        }
        expose = true
      }
    }
    service {
      name = "web"
      port = "http"
      task = "web"
    }
    service {
      name = "web"
      port = "http"
      task = "web"
    }
    task "web" {
      driver = "docker"
      config {
        image = "a"
      }
      service {
        port         = "99999"
        address_mode = "driver"
        check {
          type     = "tcp"
          interval = "10s"
          timeout  = "2s"
        }
      }
    }
  }
}
