variables {
  registry_user     = "deploy"
  registry_password = ""
}

job "private" {
  group "app" {
    task "app" {
      driver = "docker"
      config {
        image              = "registry.example.com/team/app:1.2"
        image_pull_timeout = "10m"
        force_pull         = true
        auth {
          username       = var.registry_user
          password       = var.registry_password
          server_address = "registry.example.com"
        }
      }
    }
  }
}
