job "django" {
  group "web" {
    count = 2
    network {
      mode = "bridge"
      port "http" { to = 8000 }
    }
    service {
      provider = "nomad"
      name     = "django"
      port     = "http"
      tags     = ["v${local.release}"]
      check {
        type     = "http"
        path     = "/up"
        interval = "10s"
        timeout  = "2s"
        body     = ""
        header {
          Host = ["www.example.com"]
        }
      }
    }
    task "web" {
      driver = "docker"
      config {
        image   = "example/django:${local.release}"
        command = "gunicorn"
        args    = ["app.wsgi", "-b", "0.0.0.0:8000", "-w", format("%d", local.workers)]
        ports   = ["http"]
      }
      action "migrate" {
        command = "python"
        args    = ["manage.py", "migrate", "--noinput"]
      }
      action "shell" {
        command = "python"
        args    = ["manage.py", "shell"]
      }
      kill_timeout = "20s"
    }
    task "worker" {
      driver = "docker"
      config {
        image   = "example/django:${local.release}"
        command = "celery"
        args    = ["-A", "app", "worker"]
      }
      restart {
        attempts = 20
        interval = "30m"
        delay    = "30s"
        mode     = "delay"
      }
    }
  }
}
locals {
  release = "2024.06.1"
  workers = 4
}
