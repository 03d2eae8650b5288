job "words" {
  typ = "service"
  group "g" {
    cuont = 3
    resources {
      cpu = 100
    }
    taks "t" {
    }
    task "t" {
      drivr = "docker"
      config {
        image = "a"
      }
      resources = { cpu = 100 }
      count = 4
      kill_timeout {
      }
      service {
        check {
          typo = "http"
        }
      }
    }
  }
  datacenter = ["dc1"]
}

jobb "second" {
}
