# -var size=12
# -var color=grene
# -var list=["a", 1, {}]
# -var missing
# -var sizes=3
variable "size" {
  type    = number
  default = 3
  validation {
    condition     = var.size < 10
    error_message = "The size must be under 10."
  }
}
variable "color" {
  type = string
  validation {
    condition     = contains(["red", "green"], var.color)
    error_message = "Unknown color ${var.color}"
  }
  validation {
    condition     = 7
    error_message = "seven"
  }
}
variable "list" {
  type = list(string)
}
variable "none" {
  type        = string
  description = "must be given"
}
variable "bad-default" {
  type    = number
  default = "many"
}
variable "what" {
  type    = strin
  default = 1
}
variable "attr" {
  defautl = 1
  default = 1
}
variable "rules" {
  default = 1
  validation {
    condition = true
  }
}
variable "size" {
  default = 1
}
job "x" {
}
