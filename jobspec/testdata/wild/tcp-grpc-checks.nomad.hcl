job "grpc" {
  group "grpc" {
    network {
      mode = "bridge"
      port "grpc" { to = 50051 }
    }
    service {
      provider = "nomad"
      name     = "greeter"
      port     = "grpc"
      check {
        type     = "tcp"
        interval = "10s"
        timeout  = "2s"
        check_restart {
          limit           = 5
          grace           = "90s"
          ignore_warnings = false
        }
      }
    }
    task "greeter" {
      driver = "docker"
      config {
        image = "example/greeter:1"
        ports = ["grpc"]
      }
    }
  }
}
