job "load" {
  type               = "batch"
  ttl_after_finished = "10m"
  group "g" {
    count = 10
    completion {
      retries    = 3
      max_failed = 2
      success    = 8
      on_exit {
        codes  = ["42", "100-120"]
        action = "fail_job"
      }
      on_exit {
        codes  = [75]
        task   = "t"
        action = "ignore"
      }
    }
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
