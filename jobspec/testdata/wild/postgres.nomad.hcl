job "postgres" {
  datacenters = ["dc1"]

  group "db" {
    count = 1

    volume "data" {
      type      = "host"
      source    = "pgdata"
      read_only = false
    }

    restart {
      attempts = 10
      interval = "5m"
      delay    = "25s"
      mode     = "delay"
    }

    network {
      port "db" { static = 5432 }
    }

    service {
      name     = "postgres"
      port     = "db"
      provider = "nomad"

      check {
        name     = "alive"
        type     = "tcp"
        interval = "10s"
        timeout  = "2s"
      }
    }

    task "postgres" {
      driver = "docker"

      volume_mount {
        volume      = "data"
        destination = "/var/lib/postgresql/data"
      }

      config {
        image      = "postgres:16-alpine"
        ports      = ["db"]
        shm_size   = 268435456
        args       = ["-c", "max_connections=300", "-c", "shared_buffers=512MB"]
      }

      env = {
        POSTGRES_USER = "app"
        POSTGRES_DB   = "app"
        PGDATA        = "/var/lib/postgresql/data/pgdata"
      }

      template {
        data        = <<EOH
POSTGRES_PASSWORD={{ with nomadVar "nomad/jobs/postgres" }}{{ .password }}{{ end }}
EOH
        destination = "secrets/db.env"
        env         = true
      }

      kill_signal  = "SIGINT"
      kill_timeout = "60s"

      logs {
        max_files     = 5
        max_file_size = 15
      }

      resources {
        cpu    = 1000
        memory = 1024
      }
    }
  }
}
