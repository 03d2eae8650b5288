job "telegraf" {
  type = "system"
  group "telegraf" {
    task "telegraf" {
      driver = "docker"
      config {
        image        = "telegraf:1.31-alpine"
        network_mode = "host"
        args         = ["--config", "/local/telegraf.conf"]
      }
      template {
        destination = "local/telegraf.conf"
        data        = <<EOTC
# Adding Client class
# This should be here until https://github.com/hashicorp/nomad/pull/3882 is merged
{{ $node_class := env "node.class" }}
[global_tags]
nomad_client_class = "{{ env "node.class" }}"

[agent]
  interval = "10s"
  hostname = ""
EOTC
      }
      resources {
        cpu    = 100
        memory = 128
      }
    }
  }
}
