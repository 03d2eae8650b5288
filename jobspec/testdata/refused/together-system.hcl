job "together" {
  type = "system"
  group "rules" {
    gang = "train"
    peer {
      relation = "near"
      job      = "db"
      weight   = 10
    }
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
