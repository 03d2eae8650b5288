job "wireguard" {
  datacenters = ["dc1"]
  type        = "service"

  group "vpn" {
    network {
      port "wg" {
        static       = 51820
        host_network = "public"
      }
    }

    constraint {
      attribute = "${attr.kernel.version}"
      version   = ">= 5.6"
    }

    restart {
      attempts = 3
      delay    = "20s"
      interval = "5m"
      mode     = "delay"
    }

    task "wireguard" {
      driver = "docker"
      config {
        image        = "linuxserver/wireguard:1.0.20210914"
        network_mode = "host"
        cap_add      = ["net_admin", "net_raw"]
        devices = [
          {
            host_path      = "/dev/net/tun"
            container_path = "/dev/net/tun"
          }
        ]
      }
      env {
        PUID      = "1000"
        PGID      = "1000"
        SERVERURL = "vpn.example.com"
        PEERS     = "laptop,phone"
      }
      resources {
        cpu    = 100
        memory = 64
      }
    }
  }
}
