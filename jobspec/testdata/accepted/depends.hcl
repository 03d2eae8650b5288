job "web" {
  depends_on {
    job       = "migrate"
    condition = "complete"
  }
  depends_on {
    job        = "db"
    namespace  = "platform"
    condition  = "healthy"
    on_failure = "fail"
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
