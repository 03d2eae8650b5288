job "heredoc" {
  meta {
    a = <<EOF
never ends
  }
}
