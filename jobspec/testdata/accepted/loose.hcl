# Tasks directly in the job come before its groups; what is written above is given to them.
job "loose" {
  secret "top" {
    provider = "nomad"
    path     = "nomad/jobs/top"
  }
  group "g" {
    secret "mid" {
      provider = "nomad"
      path     = "nomad/jobs/mid"
    }
    task "in" {
      driver = "docker"
      config {
        image = "a"
      }
    }
    task "own" {
      driver = "docker"
      config {
        image = "a"
      }
      secret "top" {
        provider = "nomad"
        path     = "nomad/jobs/own"
      }
    }
  }
  task "alone" {
    driver = "docker"
    config {
      image = "a"
    }
  }
}
