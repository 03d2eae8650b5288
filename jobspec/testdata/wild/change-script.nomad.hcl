job "haproxy" {
  datacenters = ["dc1"]
  type        = "service"

  group "haproxy" {
    count = 2
    network {
      port "http" { static = 80 }
      port "stats" { static = 1936 }
    }
    task "haproxy" {
      driver = "docker"
      config {
        image        = "haproxy:2.9"
        network_mode = "host"
        volumes      = ["local/haproxy.cfg:/usr/local/etc/haproxy/haproxy.cfg"]
        cap_drop     = ["all"]
        cap_add      = ["net_bind_service"]
      }
      template {
        data        = "defaults\n  mode http\nfrontend stats\n  bind *:1936\n  stats uri /\n"
        destination = "local/haproxy.cfg"
        change_mode = "script"
        change_script {
          command       = "/bin/sh"
          args          = ["-c", "kill -USR2 1"]
          timeout       = "10s"
          fail_on_error = false
        }
      }
      action "reload" {
        command = "/bin/sh"
        args    = ["-c", "kill -USR2 1"]
      }
      resources {
        cpu    = 200
        memory = 128
      }
    }
  }
}
