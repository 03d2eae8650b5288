job "load" {
  type               = "batch"
  ttl_after_finished = "-1s"
  group "numbers" {
    count = 3
    completion {
      retries    = -1
      max_failed = 3
      success    = 4
    }
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
  group "rules" {
    completion {
      on_exit {
        codes  = ["0", "9-3", "x", "300"]
        action = "stop"
      }
      on_exit {
        codes  = []
        task   = "other"
        action = "ignore"
      }
    }
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
  group "many" {
    completion {
      on_exit {
        codes  = ["1"]
        action = "count"
      }
      on_exit {
        codes  = ["2"]
        action = "count"
      }
      on_exit {
        codes  = ["3"]
        action = "count"
      }
      on_exit {
        codes  = ["4"]
        action = "count"
      }
      on_exit {
        codes  = ["5"]
        action = "count"
      }
      on_exit {
        codes  = ["6"]
        action = "count"
      }
      on_exit {
        codes  = ["7"]
        action = "count"
      }
      on_exit {
        codes  = ["8"]
        action = "count"
      }
      on_exit {
        codes  = ["9"]
        action = "count"
      }
      on_exit {
        codes  = ["10"]
        action = "count"
      }
      on_exit {
        codes  = ["11"]
        action = "count"
      }
      on_exit {
        codes  = ["12"]
        action = "count"
      }
      on_exit {
        codes  = ["13"]
        action = "count"
      }
      on_exit {
        codes  = ["14"]
        action = "count"
      }
      on_exit {
        codes  = ["15"]
        action = "count"
      }
      on_exit {
        codes  = ["16"]
        action = "count"
      }
      on_exit {
        codes  = ["17"]
        action = "count"
      }
      on_exit {
        codes  = ["18"]
        action = "count"
      }
      on_exit {
        codes  = ["19"]
        action = "count"
      }
      on_exit {
        codes  = ["20"]
        action = "count"
      }
      on_exit {
        codes  = ["21"]
        action = "count"
      }
      on_exit {
        codes  = ["22"]
        action = "count"
      }
      on_exit {
        codes  = ["23"]
        action = "count"
      }
      on_exit {
        codes  = ["24"]
        action = "count"
      }
      on_exit {
        codes  = ["25"]
        action = "count"
      }
      on_exit {
        codes  = ["26"]
        action = "count"
      }
      on_exit {
        codes  = ["27"]
        action = "count"
      }
      on_exit {
        codes  = ["28"]
        action = "count"
      }
      on_exit {
        codes  = ["29"]
        action = "count"
      }
      on_exit {
        codes  = ["30"]
        action = "count"
      }
      on_exit {
        codes  = ["31"]
        action = "count"
      }
      on_exit {
        codes  = ["32"]
        action = "count"
      }
      on_exit {
        codes  = ["33"]
        action = "count"
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
