job "network-rules" {
  group "g" {
    network {
      mode     = "brigde"
      hostname = "not a name!"
      port "http" {
        static = 70000
      }
      port "http" {
        to = 80
      }
      port "a" {
        static = 53
      }
      port "b" {
        static           = 53
        ignore_collision = true
      }
      port "bad-to" {
        to = -5
      }
      port "bad label" {
      }
    }
    service {
      name     = "-bad name-"
      provider = "etcd"
      port     = "htpt"
      address_mode = "guess"
      check {
        type     = "smtp"
        interval = "10ms"
        timeout  = "0s"
      }
      check {
        type = "http"
      }
      check {
        type     = "tcp"
        path     = "/x"
        port     = "nope"
        interval = "10s"
        timeout  = "2s"
      }
    }
    service {
      provider = "nomad"
      port     = "a"
      check {
        type     = "script"
        command  = "/bin/true"
        interval = "10s"
        timeout  = "2s"
      }
      check {
        type     = "http"
        path     = "/"
        interval = "10s"
        timeout  = "2s"
        expose   = true
        success_before_passing = 3
        check_restart {
          limit           = 3
          ignore_warnings = true
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
