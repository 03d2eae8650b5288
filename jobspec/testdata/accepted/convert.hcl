# Types are written as names, which are no references.
locals {
  ports = convert(["8080", "9090"], list(number))
  names = convert({ a = 1, b = true }, map(string))
}

job "converted" {
  type = "batch"

  meta {
    first = local.ports[0] + 1
    named = join(",", values(local.names))
    text  = convert(5, string)
    any   = jsonencode(convert([1, 2], list(any)))
    id    = "${NOMAD_ALLOC_ID}-${convert(true, string)}"
  }

  group "g" {
    task "t" {
      driver = "docker"

      config {
        image = "example/converted:1"
      }
    }
  }
}
