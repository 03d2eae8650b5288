# Blocks of which a part is written: the rest takes its default.
variable "apart" {
  default = false
}

job "halves" {
  constraint {
    distinct_hosts = var.apart
  }
  group "g" {
    constraint {
      operator = "distinct_hosts"
      value    = "1"
    }
    service {
      name = "web"
      weights {
        warning = 0
      }
      identity {
        aud = ["a"]
      }
    }
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
      scaling "mem" {
        max = 512
      }
    }
  }
}
