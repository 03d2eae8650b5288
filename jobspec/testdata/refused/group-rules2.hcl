job "group-rules2" {
  group "" {
    count            = 3
    max_client_disconnect      = "1h"
    prevent_reschedule_on_lost = true
    scaling {
      min = 5
      max = 9
    }
    network {
      mode     = "host"
      hostname = "web"
      port "a" {
        static = 80
      }
      port "b" {
        static = 80
      }
      dns {
        servers = ["1.1.1.1", "dns.example"]
      }
    }
    network {
      mode = "cni/a b"
      cni {
        args = {
          k = "a;b"
        }
      }
    }
    reschedule {
      attempts       = 2
      interval       = "5s"
      delay          = "30s"
      max_delay      = "10s"
      delay_function = "exponential"
      unlimited      = false
    }
    update {
      canary           = 5
      stagger          = "0s"
      healthy_deadline = "0s"
    }
    task "alloc" {
      driver         = "podmann"
      user           = "a\u0000b"
      shutdown_delay = "-3s"
      env = {
        "A=B" = "x"
        C     = "x\u0000y"
      }
      config {
        image = "a"
      }
      scaling "cpu" {
      }
    }
    task "" {
      driver = "docker"
      config {
        image = "a"
      }
      action "twice" {
        command = "/bin/true"
      }
      action "twice" {
        command = "/bin/true"
      }
      schedule {
        cron {
          start = ""
          end   = ""
        }
      }
    }
  }
  group "a\u0000b" {
    count = 2
    update {
      canary = 3
    }
    reschedule {
      attempts  = 2
      interval  = "5s"
      unlimited = false
    }
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
