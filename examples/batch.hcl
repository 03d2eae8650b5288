# A batch job: three runs of a short computation, each to its end; one that fails is tried again.
#
#   berth job run examples/batch.hcl
#   berth job status primes

variable "limit" {
  type        = number
  default     = 200
  description = "find the primes below this number"
}

locals {
  # $1 is the limit. "$${" would be written for a shell's own "${".
  sieve = <<-EOF
    n=2
    found=0
    while [ "$n" -lt "$1" ]; do
      d=2
      prime=1
      while [ $((d * d)) -le "$n" ]; do
        if [ $((n % d)) -eq 0 ]; then prime=0; break; fi
        d=$((d + 1))
      done
      found=$((found + prime))
      n=$((n + 1))
    done
    echo "run $NOMAD_ALLOC_INDEX: $found primes below $1"
  EOF
}

job "primes" {
  type = "batch"

  group "count" {
    count = 3

    restart {
      attempts = 2
      interval = "10m"
      delay    = "5s"
      mode     = "fail"
    }

    task "sieve" {
      driver = "containerd"

      config {
        image   = "berth.local/busybox:1"
        command = "/bin/sh"
        args    = ["-c", local.sieve, "sieve", "${var.limit}"]
      }

      resources {
        cpu    = 200
        memory = 32
      }
    }
  }
}
