job "secrets-demo" {
  group "app" {
    task "app" {
      driver = "docker"
      config {
        image = "example/app:1"
      }
      template {
        data                 = <<EOH
{{ with nomadVar "nomad/jobs/secrets-demo/app" }}
API_KEY={{ .api_key | toJSON }}
{{ end }}
EOH
        destination          = "${NOMAD_SECRETS_DIR}/app.env"
        env                  = true
        change_mode          = "restart"
        splay                = "15s"
        error_on_missing_key = true
        wait {
          min = "2s"
          max = "30s"
        }
      }
      identity {
        name        = "upstream"
        aud         = ["upstream.example.com"]
        file        = true
        ttl         = "1h"
        change_mode = "noop"
      }
    }
  }
}
