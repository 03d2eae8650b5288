# Words of other products, or of older versions, that mean something Berth does in another way.
job "gone" {
  group "g" {
    network {
      device = "eth0"
      cidr   = "10.0.0.0/8"
      ip     = "10.0.0.1"
      port "http" {}
    }

    service {
      name = "native"
      port = "http"
      connect {
        native = true
      }
      check {
        type     = "http"
        path     = "/"
        interval = "10s"
        timeout  = "2s"
        expose   = true
      }
      identity {
        service_name = "native"
      }
    }

    service {
      name = "gateway"
      port = "http"
      connect {
        gateway {
          ingress {}
        }
        sidecar_task {
          resources {
            cpu = 100
          }
        }
      }
    }

    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
      vault {
        policies               = ["app"]
        disable_file           = true
        allow_token_expiration = true
      }
      csi_plugin {
        id                     = "x"
        type                   = "node"
        stage_publish_base_dir = "/local/csi"
      }
      identity {
        name         = "other"
        aud          = ["other"]
        service_name = "native"
      }
      resources {
        disk = 100
      }
    }
  }
}
