# -var count=3
variable "count" {
  type = number
}
locals {
  image = "img:${vra.count}"
  bad   = local.nothing
}
job "names" {
  group "g" {
    count = vars.count
    task "t" {
      driver = docker
      config {
        image = local.imgae
        port  = NOMAD_PORT_http
        tag   = "${var.conut}"
        f     = uper("a")
        g     = upper("a", "b")
      }
    }
  }
}
