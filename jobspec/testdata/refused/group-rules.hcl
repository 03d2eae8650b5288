job "group-rules" {
  group "none" {
  }
  group "hooks" {
    count            = -1
    max_run_duration = "1h"
    task "init" {
      driver = "docker"
      config {
        image = "a"
      }
      lifecycle {
        hook = "before"
      }
    }
  }
  group "leaders" {
    stop_after_client_disconnect = "1h"
    restart {
      attempts = 10
      delay    = "1m"
      interval = "5m"
      mode     = "wait"
    }
    reschedule {
      attempts       = 3
      unlimited      = true
      delay          = "1s"
      delay_function = "linear"
      max_delay      = "2s"
    }
    disconnect {
      lost_after           = "1h"
      stop_on_client_after = "1h"
      reconcile            = "newest"
    }
    ephemeral_disk {
      size = 5
    }
    migrate {
      health_check = "manual"
    }
    update {
      min_healthy_time  = "10m"
      healthy_deadline  = "5m"
      progress_deadline = "1m"
      health_check      = "never"
      auto_promote      = true
      max_parallel      = -1
    }
    spread {
      attribute = "${node.datacenter}"
      weight    = 200
      target "dc1" {
        percent = 70
      }
      target "dc1" {
        percent = 70
      }
    }
    scaling {
      min = 5
      max = 2
    }
    task "a" {
      driver = "docker"
      leader = true
      config {
        image = "a"
      }
    }
    task "b" {
      driver = "docker"
      leader = true
      config {
        image = "a"
      }
    }
  }
}
