job "weekly-report" {
  type        = "batch"
  datacenters = ["dc1"]
  periodic {
    cron      = "30 6 * * MON"
    time_zone = "UTC"
  }
  # A task directly in a job is a group of its own.
  task "report" {
    driver = "docker"
    config {
      image   = "python:3.12-slim"
      command = "python"
      args    = ["/local/report.py"]
    }
    template {
      destination = "local/report.py"
      data        = <<-PY
        import os
        print("report for", os.environ["NOMAD_JOB_NAME"])
      PY
    }
    resources {
      cpu    = 100
      memory = 128
    }
  }
}
