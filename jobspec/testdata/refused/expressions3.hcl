# -var given=[local.a]

variable "given" {
  type = list(string)
}

variable "checked" {
  type    = number
  default = 1
  validation {
    condition     = true
    error_message = "Never."
    warning       = "x"
  }
}

locals {
  later = "${attr.os.name}"
}

job "expressions3" {
  priority    = "${node.class}"
  datacenters = ["a", ["b"]]
  meta {
    stars    = format("%*d", 3, 1)
    wide     = format("%99999d", 1)
    indented = indent(99999, "a")
    pattern  = regex_replace("a", join("", [for i in range(1001) : "aaaaaaaaaa"]), "")
    costly   = bcrypt("x", 31)
    deep     = jsondecode(join("", [for i in range(300) : "["]))
    aliases  = yamldecode("a: &a 1\nb: [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n")
    groups   = regex_replace(join("", [for i in range(100) : join("", [for k in range(100) : "ten chars "])]), "${join("", [for i in range(100) : "(a)"])}", "")
    product  = setproduct(range(1000), range(1000))
    block {
    }
  }
  group "g" {
    count          = 1e30
    shutdown_delay = 1.5
    dynamic "task" {
      iterator = "t"
      for_each = [1]
      content {
      }
    }
    dynamic "service" {
      for_each = [1]
      content {
      }
      content {
      }
    }
    task "t" {
      driver = "docker"
      leader = pow(10, 399)
      config {
        image = "a"
      }
      env = "A=b"
      meta {
        A = {}
      }
      kill_timeout = "${fileset("/", "*")}"
      resources {
        cpu    = 9223372036854775808
        memory = "1e40"
      }
    }
  }
}
