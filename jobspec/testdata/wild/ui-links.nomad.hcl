job "wiki" {
  ui {
    description = "The **wiki**, see the runbook first."
    link {
      label = "Runbook"
      url   = "https://wiki.example.com/runbook"
    }
    link {
      label = "Dashboards"
      url   = "https://grafana.example.com/d/wiki"
    }
  }
  group "wiki" {
    network {
      port "http" { to = 3000 }
    }
    task "wiki" {
      driver = "docker"
      config {
        image = "requarks/wiki:2"
        ports = ["http"]
      }
    }
  }
}
