# A task with as little as it needs: no network, a root file system it cannot write, no capability, few processes, and a hard
# limit of memory. Containers always run with the default seccomp profile, no_new_privs and masked paths.
#
#   berth job run examples/hardened.hcl
#   berth alloc logs -job hardened

job "hardened" {
  type = "batch"

  group "probe" {
    network {
      mode = "none"
    }

    task "probe" {
      driver = "containerd"
      user   = "nobody"

      config {
        image           = "berth.local/busybox:1"
        command         = "/bin/sh"
        args            = ["-c", "id; grep CapEff /proc/self/status; ip -brief address 2>/dev/null; touch /x 2>&1; true"]
        readonly_rootfs = true
        cap_drop        = ["all"]
        pids_limit      = 16
      }

      resources {
        cpu    = 50
        memory = 16
      }
    }
  }
}
