job "nightly-backup" {
  type        = "batch"
  datacenters = ["dc1", "dc2"]

  periodic {
    crons            = ["15 3 * * *"]
    prohibit_overlap = true
    time_zone        = "Europe/Berlin"
  }

  group "backup" {
    reschedule {
      attempts  = 3
      interval  = "6h"
      unlimited = false
      delay     = "5m"
      delay_function = "exponential"
      max_delay = "1h"
    }

    task "dump" {
      driver = "docker"

      config {
        image   = "registry.example.com/ops/pgbackup:3"
        command = "/bin/sh"
        args    = ["-ec", "pg_dump \"$DATABASE_URL\" | zstd | s3put \"$BUCKET/$(date +%F).sql.zst\""]
      }

      template {
        destination = "${NOMAD_SECRETS_DIR}/env"
        env         = true
        change_mode = "noop"
        data        = <<-EOT
          {{- with nomadVar "nomad/jobs/nightly-backup" }}
          DATABASE_URL={{ .database_url }}
          BUCKET={{ .bucket }}
          {{- end }}
        EOT
      }

      resources {
        cpu    = 800
        memory = 300
      }
    }
  }
}
