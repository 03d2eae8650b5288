# What few files need.
job "rarer" {
  group "g" {
    disconnect {
      stop_on_client_after = "10m"
    }

    network {
      mode = "host"
      port "http" {
        static           = 8080
        ignore_collision = true
      }
    }

    service {
      name                = "web"
      port                = "http"
      provider            = "consul"
      enable_tag_override = true
      on_update           = "ignore_warnings"
      tagged_addresses {
        lan = "10.0.0.1"
      }
      check {
        type                     = "grpc"
        port                     = "http"
        interval                 = "10s"
        timeout                  = "2s"
        grpc_service             = "hello"
        grpc_use_tls             = true
        tls_server_name          = "hello.internal"
        tls_skip_verify          = true
        initial_status           = "passing"
        notes                    = "says hello"
        on_update                = "ignore_warnings"
        success_before_passing   = 2
        failures_before_critical = 3
        failures_before_warning  = 1
      }
    }

    volume "data" {
      type   = "host"
      source = "data"
    }

    task "t" {
      driver = "docker"
      config {
        image = "a"
      }

      artifact {
        source      = "https://example.com/a.tar.gz"
        destination = "local/a"
        chown       = true
      }

      template {
        data        = "a"
        destination = "local/t"
        uid         = 1000
        gid         = 1000
        once        = true
        change_mode = "script"
        change_script {
          command             = "/bin/true"
          run_on_first_render = true
        }
      }

      identity {
        name         = "other"
        aud          = ["other.example.com"]
        file         = true
        filepath     = "secrets/other.jwt"
        extra_claims = ["job"]
      }

      volume_mount {
        volume        = "data"
        destination   = "/data"
        selinux_label = "Z"
      }
    }
  }
}
