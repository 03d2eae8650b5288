job "identity-rules" {
  group "g" {
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
      identity {
        name          = "one"
        aud           = ["a", "b"]
        env           = true
        file          = true
        filepath      = "../../x"
        ttl           = "1h"
        change_signal = "SIGHUP"
      }
      identity {
        name = "one"
        aud  = ["a"]
        ttl  = "-1h"
      }
      secret "one" {
        provider = "nomad"
        path     = "a"
        env {
          A = "b"
        }
        config {
          region = "eu"
        }
      }
      secret "one" {
        path = "a"
      }
      secret "two" {
        provider = "plugin"
        path     = "a"
        config {
          x = "y"
        }
      }
      csi_plugin {
        id                     = "a"
        type                   = "node"
        mount_dir              = "/csi"
        stage_publish_base_dir = "/csi/stage"
      }
      resources {
        numa {
          affinity = "require"
          devices  = ["gpu"]
        }
      }
    }
    task "unnamed" {
      driver = "docker"
      config {
        image = "a"
      }
      identity {
      }
      identity {
      }
    }
  }
}
