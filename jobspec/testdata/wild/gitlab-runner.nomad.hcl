job "gitlab-runner" {
  datacenters = ["dc1"]
  node_pool   = "ci"

  group "runner" {
    count = 4

    restart {
      attempts         = 5
      interval         = "10m"
      delay            = "10s"
      mode             = "delay"
      render_templates = true
    }

    task "runner" {
      driver = "docker"
      config {
        image      = "gitlab/gitlab-runner:alpine-v17.0.0"
        entrypoint = ["/usr/bin/dumb-init", "--"]
        command    = "gitlab-runner"
        args       = ["run", "--config", "/secrets/config.toml"]
      }
      template {
        data        = <<TOML
concurrent = 2
check_interval = 3
[[runners]]
  name = "{{ env "NOMAD_ALLOC_NAME" }}"
  url = "https://gitlab.example.com/"
  token = "{{ with nomadVar "ci/runner" }}{{ .token }}{{ end }}"
  executor = "shell"
TOML
        destination = "secrets/config.toml"
        perms       = "0600"
      }
      kill_signal  = "SIGQUIT"
      kill_timeout = "1m"
      resources {
        cpu    = 1500
        memory = 1024
      }
    }
  }
}
