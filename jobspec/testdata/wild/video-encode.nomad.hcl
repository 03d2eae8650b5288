job "video-encode" {
  datacenters = ["*"]
  type        = "batch"

  parameterized {
    payload       = "optional"
    meta_required = ["input", "profile"]
    meta_optional = ["notify_url"]
  }

  meta {
    profile = "small"
  }

  group "encode" {
    max_run_duration = "6h"

    ephemeral_disk {
      size    = 20000
      migrate = false
    }

    task "ffmpeg" {
      driver = "docker"

      config {
        image   = "linuxserver/ffmpeg:7.0"
        command = "${NOMAD_META_profile}"
        args    = ["-i", "local/input.mp4", "alloc/out.${NOMAD_META_profile}.mp4"]
      }

      dispatch_payload {
        file = "config.json"
      }

      artifact {
        source      = "${NOMAD_META_input}"
        destination = "local/input.mp4"
        mode        = "file"
      }

      resources {
        cores  = 4
        memory = 2048
      }
    }
  }
}
