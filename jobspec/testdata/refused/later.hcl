# what the language has and this version does not do: accepted, with warnings
job "later" {
  multiregion {
    region "eu" {
    }
  }
  group "g" {
    scaling {
      enabled = true
      max     = 3
    }
    network {
      port "http" {
      }
    }
    volume "disk" {
      type            = "csi"
      source          = "disk"
      access_mode     = "single-node-writer"
      attachment_mode = "file-system"
    }
    service {
      name     = "plain"
      provider = "nomad"
      port     = "http"
    }
    service {
      name     = "checked"
      provider = "nomad"
      port     = "http"
      check {
        type     = "tcp"
        interval = "10s"
        timeout  = "2s"
      }
    }
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
      service {
        name     = "of-a-task"
        provider = "nomad"
        port     = "http"
      }
      resources {
        cores = 1
        numa {
          affinity = "require"
        }
      }
      artifact {
        source = "https://x.example/a"
      }
      template {
        data        = "a"
        destination = "local/a"
      }
      csi_plugin {
        id   = "p"
        type = "node"
      }
      secret "s" {
        provider = "nomad"
        path     = "a"
      }
      identity {
        name = "token"
        aud  = ["a"]
        ttl  = "1h"
      }
      action "a" {
        command = "/bin/true"
      }
      schedule {
        cron {
          start = "0 8 * * *"
          end   = "0 18"
        }
      }
      scaling "cpu" {
        max = 100
      }
    }
  }
}
