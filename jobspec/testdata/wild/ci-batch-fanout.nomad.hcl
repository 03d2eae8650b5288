job "fanout" {
  type = "batch"
  group "shard" {
    count = 16
    reschedule {
      attempts = 0
    }
    restart {
      attempts = 3
      delay    = "10s"
      interval = "10m"
      mode     = "fail"
    }
    task "shard" {
      driver = "docker"
      config {
        image = "example/tests:main"
        args  = ["--shard", "${NOMAD_ALLOC_INDEX}", "--of", "16"]
      }
      logs {
        max_files     = 2
        max_file_size = 5
      }
    }
  }
}
