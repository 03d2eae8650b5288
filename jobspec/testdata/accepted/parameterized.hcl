job "parameterized" {
  type = "sysbatch"
  parameterized {
    payload       = "required"
    meta_required = ["input"]
    meta_optional = ["quality"]
  }
  task "encode" {
    driver = "docker"
    config {
      image = "encoder"
      args  = ["${NOMAD_META_input}"]
    }
    dispatch_payload {
      file = "config.json"
    }
  }
}
