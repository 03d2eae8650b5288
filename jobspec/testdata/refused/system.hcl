job "system" {
  type = "system"
  affinity {
    attribute = "${node.class}"
    value     = "a"
  }
  spread {
    attribute = "${node.datacenter}"
  }
  reschedule {
    attempts = 1
    interval = "1h"
  }
  migrate {
    max_parallel = 1
  }
  periodic {
    crons = ["@daily"]
  }
  group "g" {
    count = 3
    scaling {
      max = 3
    }
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
