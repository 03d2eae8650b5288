variable "a" "b" {
}
variable {
}
variable "1x" {
}
variable "block" {
  validate {
  }
}
variables {
  a {
  }
}
locals {
  x = 1
}
locals {
  x = 2
  y {
  }
}
locals "named" {
}
job "a" {
}
name = "x"
group "g" {
}
