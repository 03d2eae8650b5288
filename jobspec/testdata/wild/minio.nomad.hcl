variable "access_key" { default = "minio" }
variable "secret_key" {
  type    = string
  default = "change-me-please"
}

job "minio" {
  group "minio" {
    count = 4
    constraint {
      operator  = "distinct_property"
      attribute = "${meta.rack}"
      value     = "2"
    }
    ephemeral_disk {
      sticky  = true
      migrate = true
      size    = 10000
    }
    network {
      port "api" { to = 9000 }
      port "console" { to = 9001 }
    }
    task "minio" {
      driver = "docker"
      config {
        image   = "minio/minio:RELEASE.2024-06-13T22-53-53Z"
        command = "server"
        args    = ["/alloc/data", "--console-address", ":9001"]
        ports   = ["api", "console"]
      }
      env {
        MINIO_ROOT_USER     = var.access_key
        MINIO_ROOT_PASSWORD = var.secret_key
      }
      resources {
        cpu    = 500
        memory = 512
      }
    }
  }
}
