job "templates" {
  group "g" {
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
      template {
        destination = "local/a"
        data        = <<-EOF
          # database
          {{ with secret "secret/data/db" }}
          password = {{ .Data.password }}
          {{ end }}
          {{ range service "db" }}{{ .Address }}{{ end }}
          mode = {{ keyOrDefault "mode" "x" }} {{ nomadVarr "x" }}
        EOF
      }
      template {
        destination = "local/b"
        data        = <<EOF
{{ if env "A" }}
yes
EOF
      }
    }
  }
}
