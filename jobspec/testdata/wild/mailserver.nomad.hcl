job "mail" {
  type = "service"
  constraint {
    attribute = "${node.unique.name}"
    regexp    = "^mail-[0-9]+$"
  }
  group "postfix" {
    network {
      port "smtp" { static = 25 }
      port "submission" { static = 587 }
    }
    task "postfix" {
      driver = "docker"
      config {
        image        = "boky/postfix:v4.2.1"
        network_mode = "host"
        extra_hosts  = ["relay:10.1.2.3"]
      }
      env {
        HOSTNAME               = "mx.example.com"
        ALLOWED_SENDER_DOMAINS = "example.com"
      }
    }
    task "opendkim" {
      driver = "docker"
      lifecycle {
        hook    = "prestart"
        sidecar = true
      }
      config {
        image = "instrumentisto/opendkim:2.10"
        mount {
          type   = "tmpfs"
          target = "/run/opendkim"
          tmpfs_options {
            size = 1000000
          }
        }
      }
    }
  }
}
