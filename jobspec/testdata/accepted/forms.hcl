# The same thing in its other forms: durations as nanoseconds, numbers and switches as texts, maps as attributes, a static port of 0.
job "forms" {
  datacenters = ["dc1"]
  meta        = { "a.b" = "c", n = 1 }
  group "g" {
    count          = "2"
    shutdown_delay = 5000000000
    network {
      port "dynamic" {
        static = 0
        to     = "80"
      }
    }
    update {
      max_parallel = 0
      auto_revert  = "false"
    }
    task "t" {
      driver = "docker"
      config {
        image  = "a"
        labels = { a = "b" }
        port_map {
          http = 80
        }
      }
      env = {
        "a.b"  = "c"
        NULL   = null
        NUMBER = 1.5
      }
      leader    = "true"
      resources {
        cpu = "250"
      }
    }
  }
}
