job "send-email" {
  type     = "batch"
  priority = 40
  parameterized {
    payload       = "required"
    meta_required = ["to"]
    meta_optional = ["subject"]
  }
  meta = {
    subject = "(no subject)"
    "team.owner" = "crm"
  }
  group "send" {
    task "send" {
      driver = "docker"
      config {
        image   = "example/mailer:3"
        command = "send"
        args    = ["-to", "${NOMAD_META_to}", "-subject", "${NOMAD_META_SUBJECT}", "-body", "${NOMAD_TASK_DIR}/body.txt"]
      }
      dispatch_payload {
        file = "body.txt"
      }
      resources {
        cpu    = 50
        memory = 32
      }
    }
  }
}
