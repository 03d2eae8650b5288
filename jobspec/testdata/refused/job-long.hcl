# the label of a block cannot be computed: the id is given as an attribute
job "long" {
  id   = join("", [for i in range(60) : "ten chars-"])
  type = "batch"
  periodic {
    type = "interval"
  }
  update {
    max_parallel = 1
  }
  dynamic "constraint" {
    for_each = range(1001)
    content {
      attribute = "${meta.rack}"
      value     = "a"
    }
  }
  group "g" {
    max_run_duration = "0s"
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
