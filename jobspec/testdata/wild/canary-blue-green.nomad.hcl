job "blue-green" {
  update {
    max_parallel     = 3
    canary           = 3
    min_healthy_time = "30s"
    healthy_deadline = "8m"
    auto_revert      = true
    auto_promote     = false
    health_check     = "checks"
  }
  group "api" {
    count          = 3
    shutdown_delay = "15s"
    network {
      port "http" { to = 8080 }
    }
    service {
      provider    = "nomad"
      port        = "http"
      tags        = ["live"]
      canary_tags = ["preview"]
      check {
        type            = "http"
        path            = "/ready"
        interval        = "5s"
        timeout         = "1s"
        address_mode    = "host"
        tls_skip_verify = true
        protocol        = "https"
      }
    }
    task "api" {
      driver = "docker"
      config {
        image             = "example/api@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        ports             = ["http"]
      }
    }
  }
}
