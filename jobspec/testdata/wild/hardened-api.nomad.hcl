job "hardened-api" {
  datacenters = ["dc1"]
  group "api" {
    count = 2
    network {
      mode = "bridge"
      port "http" { to = 8443 }
    }
    task "api" {
      driver = "docker"
      user   = "65532:65532"
      config {
        image           = "gcr.io/distroless/static:nonroot"
        entrypoint      = ["/api"]
        ports           = ["http"]
        readonly_rootfs = true
        cap_drop        = ["all"]
        security_opt    = ["no-new-privileges"]
        pids_limit      = 64
        mount {
          type   = "tmpfs"
          target = "/tmp"
        }
      }
      artifact {
        source      = "https://releases.example.com/api/1.9.2/api"
        destination = "local/api"
        mode        = "file"
        options {
          checksum = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
        }
      }
      resources {
        cpu    = 150
        memory = 96
      }
    }
  }
}
