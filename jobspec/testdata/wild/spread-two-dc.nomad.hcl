job "geo-api" {
  datacenters = ["us-east1", "us-west1"]

  spread {
    attribute = "${node.datacenter}"
    weight    = 100

    target "us-east1" {
      percent = 60
    }

    target "us-west1" {
      percent = 40
    }
  }

  group "api" {
    count = 10

    spread {
      attribute = "${meta.rack}"
    }

    task "api" {
      driver = "docker"
      config {
        image = "example/geo:1.0"
      }
      resources {
        cpu    = 200
        memory = 200
      }
    }
  }
}
