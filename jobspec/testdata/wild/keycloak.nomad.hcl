variable "hostname" {
  type    = string
  default = "id.example.com"
}
variable "replicas" {
  type    = number
  default = 2
}
variable "extra_env" {
  type    = map(string)
  default = {}
}
job "keycloak" {
  group "keycloak" {
    count = var.replicas
    network {
      mode = "bridge"
      port "http" { to = 8080 }
      port "jgroups" { to = 7800 }
    }
    service {
      name     = "keycloak"
      port     = "http"
      provider = "nomad"
      check {
        type      = "http"
        path      = "/health/ready"
        interval  = "10s"
        timeout   = "5s"
      }
    }
    task "keycloak" {
      driver = "docker"
      config {
        image   = "quay.io/keycloak/keycloak:25.0"
        args    = ["start", "--optimized"]
        ports   = ["http", "jgroups"]
      }
      env = merge({
        KC_HOSTNAME = var.hostname
        KC_DB       = "postgres"
        KC_PROXY    = "edge"
      }, var.extra_env)
      resources {
        cpu        = 1000
        memory     = 1024
        memory_max = 2048
      }
    }
  }
}
