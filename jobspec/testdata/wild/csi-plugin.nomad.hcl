job "plugin-nfs-nodes" {
  datacenters = ["dc1"]
  type        = "system"

  group "nodes" {
    task "plugin" {
      driver = "docker"

      config {
        image = "registry.gitlab.com/rocketduck/csi-plugin-nfs:0.7.0"

        args = [
          "--type=node",
          "--node-id=${attr.unique.hostname}",
          "--nfs-server=10.0.0.9:/srv/nomad",
          "--mount-options=defaults",
        ]

        network_mode = "host"
        privileged   = true
      }

      csi_plugin {
        id             = "nfs"
        type           = "node"
        mount_dir      = "/csi"
        health_timeout = "30s"
      }

      resources {
        cpu    = 500
        memory = 256
      }
    }
  }
}
