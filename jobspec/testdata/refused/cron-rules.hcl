job "cron-rules" {
  type = "batch"
  periodic {
    overlap          = "sometimes"
    prohibit_overlap = true
    start_deadline   = "-1s"
    crons = [
      join("", [for i in range(600) : "* "]),
      "ä * * * *",
      "@sometimes",
      "1,,2 * * * *",
      "*/90 * * * *",
      "30-10 * * * *",
      "x * * * *",
      "99 * * * *",
      "0 0 * juli *",
      "* *",
    ]
  }
  group "g" {
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
