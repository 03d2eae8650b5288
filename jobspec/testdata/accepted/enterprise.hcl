job "enterprise" {
  type = "service"
  multiregion {
    strategy {
      max_parallel = 1
      on_failure   = "fail_all"
    }
    region "west" {
      count       = 2
      datacenters = ["west-1"]
    }
    region "east" {
      meta {
        a = "b"
      }
    }
  }
  group "g" {
    count = 0
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
      resources {
        cores = 2
        numa {
          affinity = "prefer"
        }
      }
      schedule {
        cron {
          start    = "0 8 * * 1-5"
          end      = "0 18"
          timezone = "UTC"
        }
      }
    }
  }
}
