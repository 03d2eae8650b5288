job "train" {
  type     = "batch"
  priority = 30

  parameterized {
    payload       = "required"
    meta_required = ["dataset"]
  }

  group "train" {
    constraint {
      attribute = "${attr.kernel.version}"
      operator  = "version"
      value     = ">= 5.10"
    }

    affinity {
      attribute = "${node.class}"
      value     = "gpu-large"
      weight    = 100
    }

    task "train" {
      driver = "docker"
      config {
        image    = "example/train:cuda12"
        shm_size = 1073741824
      }
      dispatch_payload {
        file = "params.json"
      }
      resources {
        cpu    = 4000
        memory = 16384
        device "nvidia/gpu" {
          count = 2
          constraint {
            attribute = "${device.attr.memory}"
            operator  = ">="
            value     = "20 GiB"
          }
          affinity {
            attribute = "${device.model}"
            value     = "Tesla H100"
            weight    = 50
          }
        }
      }
      restart {
        attempts = 0
        mode     = "fail"
      }
    }
  }
}
