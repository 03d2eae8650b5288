job "task-rules" {
  group "g" {
    volume "data" {
      type   = "hosts"
      source = ""
    }
    volume "csi" {
      type   = "csi"
      source = "disk"
    }
    task "a/b" {
      config {
        image = "a"
      }
      kill_timeout = "-1s"
      kill_signal  = "SIGWHAT"
      resources {
        cpu        = 0
        memory     = 5
        memory_max = 3
        disk       = 100
        device "nvidia/gpu" {
          count = 0
        }
      }
      logs {
        max_files     = 0
        max_file_size = 400
      }
      constraint {
        distinct_hosts = true
      }
      volume_mount {
        volume           = "dtaa"
        destination      = "/data"
        propagation_mode = "all"
      }
      artifact {
        destination = "../../etc"
        mode        = "tree"
      }
      template {
        destination = "../../../etc/passwd"
        change_mode = "explode"
        perms       = "rw"
      }
      template {
        data        = "a"
        destination = "local/x"
        change_mode = "signal"
        env         = true
      }
      template {
        data        = "a"
        destination = "local/x"
        change_mode = "script"
      }
      dispatch_payload {
        file = "../x"
      }
      identity {
        name        = "bad name"
        change_mode = "sometimes"
        filepath    = "secrets/x"
      }
      identity {
        ttl = "1h"
      }
      secret "s p" {
        provider = "nomad"
      }
      action "do it" {
      }
      csi_plugin {
        id   = ""
        type = "disk"
      }
      scaling "disk" {
        max = 3
      }
      lifecycle {
        hook = "prestrat"
      }
    }
  }
}
