job "consul-vault" {
  consul_token = "secret"
  vault_token  = "secret"
  vault {
    policies = ["db"]
  }
  group "g" {
    consul {
      namespace = "team"
    }
    network {
      mode = "bridge"
      port "http" {
        to = 80
      }
    }
    service {
      name    = "web"
      port    = "http"
      cluster = "other"
      kind    = "ingress-gateway"
      connect {
        sidecar_service {
          proxy {
            upstreams {
              destination_name = "db"
              local_bind_port  = 5432
            }
          }
        }
      }
    }
    task "t" {
      driver = "docker"
      kind   = "connect-proxy:web"
      config {
        image = "a"
      }
      vault {
        role = "web"
      }
      consul {
        partition = "x"
      }
      secret "db" {
        provider = "vault"
        path     = "secret/db"
      }
      template {
        destination = "local/a"
        data        = "{{ with secret \"secret/data/db\" }}{{ .Data.password }}{{ end }}{{ key \"config/x\" }}"
      }
    }
  }
}
