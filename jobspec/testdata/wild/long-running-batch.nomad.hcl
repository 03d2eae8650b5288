job "import" {
  type        = "batch"
  all_at_once = false
  namespace   = "default"
  region      = "global"
  priority    = 20
  group "import" {
    count            = 1
    max_run_duration = "48h"
    task "import" {
      driver = "docker"
      config {
        image           = "example/import:1"
        readonly_rootfs = true
        pids_limit      = 200
        work_dir        = "/work"
      }
      env {
        BATCH = "${NOMAD_SHORT_ALLOC_ID}"
        NODE  = "${node.unique.id}"
        ZONE  = "${attr.platform.aws.placement.availability-zone}"
      }
      kill_timeout = "5m"
      logs {
        disabled = true
      }
    }
  }
}
