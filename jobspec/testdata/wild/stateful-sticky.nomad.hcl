job "sqlite-app" {
  group "app" {
    count = 1
    ephemeral_disk {
      sticky  = true
      migrate = true
      size    = 5000
    }
    volume "state" {
      type            = "host"
      source          = "sqlite"
      sticky          = true
      access_mode     = "single-node-writer"
      attachment_mode = "file-system"
    }
    update {
      max_parallel = 0
    }
    task "app" {
      driver = "docker"
      config {
        image = "example/sqlite-app:1"
      }
      volume_mount {
        volume      = "state"
        destination = "/data"
      }
      shutdown_delay = "5s"
      resources {
        memory = 256
      }
    }
  }
}
