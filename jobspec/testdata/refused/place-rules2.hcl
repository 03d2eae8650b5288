job "place-rules2" {
  constraint {
    operator = "distinct_hosts"
    value    = "maybe"
  }
  constraint {
    attribute = "${attr.kernel.name}"
  }
  constraint {
    attribute = "attr.kernel.name"
    value     = "linux"
  }
  constraint {
    attribute = "kernel.name"
    value     = "linux"
  }
  constraint {
    attribute = "$${attr.}"
    operator  = "is_set"
  }
  constraint {
    attribute = "${node.clas}"
    value     = "big"
  }
  constraint {
    attribute = "${node.zzzzzzzz}"
    value     = "big"
  }
  constraint {
    attribute = "${attribute.cpu.arch}"
    value     = "big"
  }
  constraint {
    attribute = "${wholly.other}"
    value     = "big"
  }
  constraint {
    attribute = "${attr.os.version}"
    semver    = "~> 1.2"
  }
  constraint {
    attribute = "${attr.os.version}"
    version   = "=> 1.2"
  }
  constraint {
    attribute = "${attr.os.version}"
    version   = ">= "
  }
  constraint {
    attribute = "${attr.os.version}"
    version   = ">= 1.2, < ${"1"}${substr(join("", [for i in range(600) : "10"]), 0, 1100)}"
  }
  constraint {
    attribute = "${attr.os.name}"
    regexp    = join("", [for i in range(200) : "abcdefgh"])
  }
  constraint {
    attribute = "${attr.os.name}"
    regexp    = "((a{0,100}){0,10}){0,10}"
  }
  constraint {
    attribute = "${attr.os.name}"
    regexp    = join("", [for i in range(11) : "a{1000}"])
  }
  spread {
    attribute = "${node.datacenter}"
    weight    = 0
    target "dc1" {
      percent = 101
    }
  }
  group "g" {
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
      constraint {
        distinct_property = "${meta.rack}"
      }
      resources {
        device "gpu" {
          constraint {
            attribute = "${node.class}"
            value     = "x"
          }
        }
      }
    }
  }
}
