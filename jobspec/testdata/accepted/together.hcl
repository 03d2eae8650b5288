job "together" {
  group "lead" {
    gang  = "train"
    gates = ["license", "review"]
    spread {
      attribute = "${meta.zone}"
      max_skew  = 1
    }
    peer {
      relation = "apart"
      job      = "db-*"
      topology = "${meta.rack}"
    }
    peer {
      relation = "near"
      group    = "worker"
      weight   = 80
      meta {
        tier = "data"
      }
    }
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
