job "place-rules" {
  constraint {
    attribute = "${attr.cpu.arch}"
    operator  = "equals"
    value     = "amd64"
  }
  constraint {
    attribute = "${attr.cpu.arch}"
    regexp    = "(["
  }
  constraint {
    attribute = "${attr.nomad.version}"
    version   = "not a version"
  }
  constraint {
    value = "x"
  }
  constraint {
    distinct_property = "${meta.rack}"
    value             = "zero"
  }
  constraint {
    attribute = "${attr.x}"
    version   = "> 1"
    regexp    = "x"
  }
  constraint {
    attribute = "${attr.x}"
    operator  = "is_set"
    value     = "x"
  }
  constraint {
    attribute = "${node.region}"
    value     = "eu"
  }
  affinity {
    attribute = "${node.class}"
    value     = "big"
    weight    = 0
  }
  affinity {
    attribute = "${node.class}"
    value     = "big"
    weight    = 1000
  }
  affinity {
    attribute = "${node.class}"
    operator  = "distinct_hosts"
  }
  spread {
    weight = 50
  }
  group "g" {
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
