job "web" {
  consul {}
  network {
    mode = "bridge"
  }
  group "web" {
    task "server" {
      driver       = "docker"
      kill_timeout = 20
    }
  }
}
