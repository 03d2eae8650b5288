job "big-env" {
  group "g" {
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
      env {
        BIG = join("", [for i in range(600) : join("", [for k in range(100) : "ten chars "])])
      }
    }
  }
}
