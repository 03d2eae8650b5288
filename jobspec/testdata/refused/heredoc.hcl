job "heredoc" {
  group "g" {
    task "t" {
      driver = "docker"
      config {
        image = <<EOF
a
EOF
        args = [<<-EOF
          one ${var.missing}
          EOF
        , "two"]
      }
      template {
        destination = "local/x"
        data = <<EOF
${upper(NOMAD_ALLOC_ID)}
%{ if attr.kernel.name == "linux" }x%{ endif }
EOF
      }
    }
  }
}
