locals {
  image = "apache/airflow:2.9.2"
  common_env = {
    AIRFLOW__CORE__EXECUTOR = "LocalExecutor"
    AIRFLOW__CORE__FERNET_KEY = base64encode("0123456789abcdef0123456789abcdef")
  }
}
job "airflow" {
  group "airflow" {
    network {
      mode = "bridge"
      port "web" { to = 8080 }
    }
    task "init" {
      driver = "docker"
      lifecycle { hook = "prestart" }
      config {
        image = local.image
        args  = ["db", "migrate"]
      }
      env = local.common_env
    }
    task "scheduler" {
      driver = "docker"
      config {
        image = local.image
        args  = ["scheduler"]
      }
      env = local.common_env
      resources {
        cpu    = 1000
        memory = 1024
      }
    }
    task "webserver" {
      driver = "docker"
      config {
        image = local.image
        args  = ["webserver", "--port", "8080"]
        ports = ["web"]
      }
      env = merge(local.common_env, { AIRFLOW__WEBSERVER__WORKERS = "2" })
      resources {
        cpu    = 500
        memory = 1024
      }
    }
  }
}
