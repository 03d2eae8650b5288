job "bot" {
  task "bot" {
    driver = "docker"
    config {
      image = "example/bot:latest"
    }
    env {
      TOKEN_FILE = "${NOMAD_SECRETS_DIR}/token"
    }
    resources {
      memory = 64
    }
  }
}
