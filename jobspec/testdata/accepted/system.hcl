job "system" {
  type = "system"
  update {
    stagger = "1m"
  }
  group "g" {
    network {
      port "m" {
        static = 9100
      }
    }
    task "t" {
      driver = "docker"
      config {
        image        = "node-exporter"
        network_mode = "host"
      }
    }
  }
}
