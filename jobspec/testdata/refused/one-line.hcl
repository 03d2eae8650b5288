variable "size" {
  type = strng
}

variable "other" {
  type = quaternion
}

job "web" {
  group "web" {
    count = 0.5
    update { canary = 1, max_paralel = 2 }
    restart { attempts = 30 interval = "1m" mode = "fail" }
    reschedule { delay = "1s" }
    reschedule { delay = "30s" }

    task "server" {
      driver = "docker"
      env { A = "a, b = { c", B = "${upper("x")}" }
      config {
        image = "nginx:1"
        image = "nginx:2"
        args  = ["${var.sise}", "${local.none}"]
      }
      resources { device "gpu" { count = 0 } }
      kill_timeout = 30
    }
  }
}
