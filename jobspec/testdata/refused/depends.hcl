job "web" {
  depends_on {
    job       = ""
    condition = "complete"
  }
  depends_on {
    job       = "web"
    condition = "healthy"
  }
  depends_on {
    job       = "db"
    namespace = "a b"
    condition = "ready"
  }
  depends_on {
    job        = "migrate"
    condition  = "complete"
    on_failure = "stop"
  }
  depends_on {
    job       = "migrate"
    condition = "started"
  }
  group "g" {
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
