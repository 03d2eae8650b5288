job "nats" {
  group "nats" {
    count = 3
    update {
      max_parallel     = 1
      min_healthy_time = "15s"
    }
    network {
      port "client" { static = 4222 }
      port "monitor" { static = 8222 }
      port "route" { static = 6222 }
    }
    service {
      provider = "nomad"
      name     = "nats"
      port     = "client"
      check {
        type     = "http"
        port     = "monitor"
        path     = "/healthz"
        interval = "10s"
        timeout  = "2s"
      }
    }
    service {
      provider = "nomad"
      name     = "nats-route"
      port     = "route"
    }
    task "nats" {
      driver = "docker"
      config {
        image = "nats:2.10-alpine"
        ports = ["client", "monitor", "route"]
        args  = ["-c", "/local/nats.conf"]
      }
      template {
        destination   = "local/nats.conf"
        change_mode   = "signal"
        change_signal = "SIGHUP"
        data          = <<CONF
port: 4222
http: 8222
cluster {
  port: 6222
  routes: [
{{- range nomadService "nats-route" }}
    nats://{{ .Address }}:{{ .Port }}
{{- end }}
  ]
}
CONF
      }
      kill_signal = "SIGUSR2"
    }
  }
}
