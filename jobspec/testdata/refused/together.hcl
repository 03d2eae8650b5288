job "together" {
  group "rules" {
    gates = ["a", ""]
    spread {
      attribute = "${meta.zone}"
      max_skew  = 0
    }
    peer {
      relation = "near"
    }
    peer {
      relation = "beside"
      job      = "db"
    }
    peer {
      relation = "near"
      job      = "db"
      weight   = 101
    }
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
  group "many" {
    peer {
      relation = "near"
      job      = "j0"
    }
    peer {
      relation = "near"
      job      = "j1"
    }
    peer {
      relation = "near"
      job      = "j2"
    }
    peer {
      relation = "near"
      job      = "j3"
    }
    peer {
      relation = "near"
      job      = "j4"
    }
    peer {
      relation = "near"
      job      = "j5"
    }
    peer {
      relation = "near"
      job      = "j6"
    }
    peer {
      relation = "near"
      job      = "j7"
    }
    peer {
      relation = "near"
      job      = "j8"
    }
    peer {
      relation = "near"
      job      = "j9"
    }
    peer {
      relation = "near"
      job      = "j10"
    }
    peer {
      relation = "near"
      job      = "j11"
    }
    peer {
      relation = "near"
      job      = "j12"
    }
    peer {
      relation = "near"
      job      = "j13"
    }
    peer {
      relation = "near"
      job      = "j14"
    }
    peer {
      relation = "near"
      job      = "j15"
    }
    peer {
      relation = "near"
      job      = "j16"
    }
    peer {
      relation = "near"
      job      = "j17"
    }
    peer {
      relation = "near"
      job      = "j18"
    }
    peer {
      relation = "near"
      job      = "j19"
    }
    peer {
      relation = "near"
      job      = "j20"
    }
    peer {
      relation = "near"
      job      = "j21"
    }
    peer {
      relation = "near"
      job      = "j22"
    }
    peer {
      relation = "near"
      job      = "j23"
    }
    peer {
      relation = "near"
      job      = "j24"
    }
    peer {
      relation = "near"
      job      = "j25"
    }
    peer {
      relation = "near"
      job      = "j26"
    }
    peer {
      relation = "near"
      job      = "j27"
    }
    peer {
      relation = "near"
      job      = "j28"
    }
    peer {
      relation = "near"
      job      = "j29"
    }
    peer {
      relation = "near"
      job      = "j30"
    }
    peer {
      relation = "near"
      job      = "j31"
    }
    peer {
      relation = "near"
      job      = "j32"
    }
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
  group "gated" {
    gates = ["g0", "g1", "g2", "g3", "g4", "g5", "g6", "g7", "g8", "g9", "g10", "g11", "g12", "g13", "g14", "g15", "g16", "g17", "g18", "g19", "g20", "g21", "g22", "g23", "g24", "g25", "g26", "g27", "g28", "g29", "g30", "g31", "g32"]
    task "t" {
      driver = "docker"
      config {
        image = "a"
      }
    }
  }
}
