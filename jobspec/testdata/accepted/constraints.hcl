job "constraints" {
  constraint {
    attribute = "${attr.cpu.arch}"
    value     = "amd64"
  }
  constraint {
    attribute = "${attr.nomad.version}"
    version   = ">= 1.0, < 3.0"
  }
  constraint {
    attribute = "${attr.driver.docker.version}"
    semver    = ">= 20.10.0"
  }
  constraint {
    attribute = "${attr.unique.hostname}"
    regexp    = "^web-[0-9]+$"
  }
  constraint {
    attribute    = "${meta.features}"
    set_contains = "ssd,gpu"
  }
  constraint {
    attribute        = "${meta.features}"
    set_contains_all = "ssd,gpu"
  }
  constraint {
    attribute        = "${meta.features}"
    set_contains_any = "ssd,gpu"
  }
  constraint {
    distinct_hosts = true
  }
  constraint {
    distinct_property = "${meta.rack}"
    value             = 2
  }
  constraint {
    operator  = "distinct_property"
    attribute = "${meta.zone}"
  }
  constraint {
    operator = "distinct_hosts"
    value    = "true"
  }
  constraint {
    attribute = "${meta.x}"
    operator  = "not"
    value     = "y"
  }
  affinity {
    attribute = "${node.class}"
    regexp    = "big"
    weight    = 100
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
