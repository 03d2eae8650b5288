job "restic" {
  type = "sysbatch"
  periodic {
    crons            = ["0 1 * * *", "0 13 * * *"]
    prohibit_overlap = true
    time_zone        = "Europe/Oslo"
  }
  group "restic" {
    task "restic" {
      driver = "docker"
      config {
        image    = "restic/restic:0.16.4"
        args     = ["backup", "/data", "--host", "${node.unique.name}"]
        hostname = "restic"
        volumes  = ["/srv/data:/data:ro"]
      }
      template {
        destination = "secrets/restic.env"
        env         = true
        data        = <<EOT
RESTIC_REPOSITORY={{ with nomadVar "nomad/jobs/restic" }}{{ .repository }}{{ end }}
RESTIC_PASSWORD={{ with nomadVar "nomad/jobs/restic" }}{{ .password }}{{ end }}
EOT
      }
      resources {
        cpu        = 200
        memory     = 128
        memory_max = 1024
      }
    }
  }
}
