# A batch job: it runs to its end. What fails is tried again.
#
#   berth job run FILE
#   berth alloc logs -job example

job "example" {
  type = "batch"

  group "work" {
    # How many run at the same time; each knows its number as NOMAD_ALLOC_INDEX.
    count = 1

    # On the same node at most twice again, then elsewhere.
    restart {
      attempts = 2
      interval = "10m"
      delay    = "5s"
      mode     = "fail"
    }

    task "work" {
      driver = "docker"

      config {
        image   = "busybox:1"
        command = "sh"
        args    = ["-c", "echo \"part $NOMAD_ALLOC_INDEX begins\"; sleep 2; echo done"]
      }

      resources {
        cpu    = 100 # MHz
        memory = 32  # MB
      }
    }
  }
}
