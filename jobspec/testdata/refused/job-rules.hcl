job "a b" {
  type     = "daemon"
  priority = 101
  datacenters = ["", "dc1"]
  periodic {
    crons     = ["61 * * * *", "@daily"]
    cron      = "* * * * *"
    time_zone = "Mars/Olympus"
  }
  parameterized {
    payload       = "maybe"
    meta_required = ["a", "b"]
    meta_optional = ["b"]
  }
  ui {
    description = "x"
    link {
      label = "no url"
    }
  }
  group "g" {
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
