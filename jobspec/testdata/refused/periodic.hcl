job "periodic" {
  type = "service"
  periodic {
    cron = "every day"
  }
  parameterized {
  }
  group "g" {
    reschedule {
      attempts = 10
      interval = "1m"
      delay    = "30s"
      delay_function = "constant"
      unlimited = false
    }
    restart {
      attempts = 0
      mode     = "delay"
      interval = "1s"
    }
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
      schedule {
      }
      schedule {
        cron {
          start = "0 0 *"
        }
      }
      kill_timeout = "20m"
    }
  }
  multiregion {
    strategy {
      on_failure = "fail_some"
    }
  }
  ui {
    link {
      label = ""
      url   = "not a url"
    }
  }
}
