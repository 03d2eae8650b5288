job "resources" {
  group "g" {
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
      resources {
        cpu        = 100
        cores      = 2
        memory     = 100
        memory_max = -2
        secrets    = 200
        iops       = 5
        device "a/b/c/d" {
          count = 1
          constraint {
            attribute = "${attr.cpu.arch}"
            value     = "x"
          }
          affinity {
            attribute = "${device.model}"
            value     = "x"
            weight    = 0
          }
        }
        numa {
          affinity = "must"
        }
        network {
          mbits = 10
          port "x" {
            static = -4
          }
        }
      }
    }
  }
}
