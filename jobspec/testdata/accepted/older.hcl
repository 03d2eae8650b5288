# Forms of older files, and of other products: taken, with a warning.
job "older" {
  group "g" {
    max_client_disconnect      = "1h"
    prevent_reschedule_on_lost = true

    network {
      mbits = 10
      port "http" {}
    }

    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
      resources {
        iops = 10
      }
      template {
        data        = "a"
        destination = "local/t"
        vault_grace = "10s"
      }
    }
  }
  group "h" {
    stop_after_client_disconnect = "1h"
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
