job "game-server" {
  group "minecraft" {
    network {
      port "game" { static = 25565 }
    }
    task "server" {
      driver = "docker"

      artifact {
        source      = "https://example.com/packs/survival-1.20.zip"
        destination = "local/pack"
        options {
          checksum = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
          archive  = "zip"
        }
        headers {
          User-Agent = "game/1"
        }
      }

      artifact {
        source      = "git::https://github.com/example/plugins.git"
        destination = "local/plugins"
        mode        = "dir"
        options {
          depth = 1
          ref   = "main"
        }
      }

      config {
        image       = "itzg/minecraft-server:java21"
        ports       = ["game"]
        tty         = true
        interactive = true
      }
      env {
        EULA   = "TRUE"
        MEMORY = "2G"
      }
      kill_timeout   = "30s"
      shutdown_delay = "3s"
      resources {
        cpu    = 3000
        memory = 3000
      }
    }
  }
}
