job "kinds" {
  type        = ["service"]
  priority    = "high"
  all_at_once = "maybe"
  datacenters = "dc1"
  group "g" {
    count          = 1.5
    shutdown_delay = "10"
    restart {
      attempts = -1e30
      interval = "1d"
      delay    = true
    }
    update {
      min_healthy_time = null
    }
    ephemeral_disk {
      size = "2GB"
    }
    task "t" {
      driver       = "docker"
      kill_timeout = "soon"
      leader       = 3
      config {
        image = "a"
      }
      env {
        LIST = ["a"]
        MAP  = { a = 1 }
      }
      meta = "text"
      resources {
        cpu    = "500MHz"
        memory = "1Gi"
        cores  = { a = 1 }
      }
      template {
        destination = "local/x"
        data        = "x"
        uid         = "root"
      }
    }
  }
}
