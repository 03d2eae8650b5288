job "blog" {
  datacenters = ["dc1"]
  group "stack" {
    network {
      mode = "bridge"
      port "web" {
        static = 8000
        to     = 80
      }
    }
    task "db" {
      driver = "docker"
      config {
        image = "mariadb:11"
      }
      env {
        MARIADB_ROOT_PASSWORD = "root"
        MARIADB_DATABASE      = "blog"
      }
      resources {
        cpu    = 300
        memory = 512
      }
    }
    task "web" {
      driver = "docker"
      config {
        image = "ghost:5-alpine"
        ports = ["web"]
      }
      env {
        database__connection__host = "127.0.0.1"
        url                        = "http://localhost:8000"
      }
      resources {
        cpu    = 300
        memory = 512
      }
    }
  }
}
