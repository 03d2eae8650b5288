job "analytics" {
  affinity {
    attribute = "${node.datacenter}"
    value     = "us-west1"
    weight    = 100
  }
  affinity {
    attribute = "${meta.spot}"
    operator  = "!="
    value     = "true"
    weight    = -20
  }
  constraint {
    attribute    = "${meta.features}"
    set_contains = "ssd,ten-gig"
  }
  constraint {
    attribute = "${attr.nomad.version}"
    semver    = ">= 1.6.0"
  }
  constraint {
    attribute = "${attr.driver.docker}"
    operator  = "is_set"
  }
  group "worker" {
    count = 4
    task "worker" {
      driver = "docker"
      config { image = "example/worker:8" }
      resources {
        cpu = 1200
        memory = 900
      }
    }
  }
}
