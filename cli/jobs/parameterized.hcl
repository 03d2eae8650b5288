# A batch job that waits to be dispatched; each dispatch is a job of its own, with its own values.
#
#   berth job run FILE
#   berth job dispatch -meta name=world example

job "example" {
  type = "batch"

  parameterized {
    payload       = "forbidden"
    meta_required = ["name"]
  }

  group "work" {
    task "work" {
      driver = "docker"

      config {
        image   = "busybox:1"
        command = "echo"
        args    = ["Hello, ${NOMAD_META_name}"]
      }

      resources {
        cpu    = 100 # MHz
        memory = 32  # MB
      }
    }
  }
}
