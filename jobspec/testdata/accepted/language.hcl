# -var replicas=4
# -var zones=["a", "b"]
# -var conf={name="x", ports=[80, 443], on=true}
# -var flag=true
variable "replicas" {
  type        = number
  default     = 1
  description = "how many"
  validation {
    condition     = var.replicas > 0 && var.replicas < 10
    error_message = "Between 1 and 9, not ${var.replicas}."
  }
}
variable "zones" {
  type = list(string)
}
variable "conf" {
  type = object({ name = string, ports = list(number), on = bool })
}
variable "flag" {
  type = bool
}
variable "any" {
  default = { a = { b = ["c"] } }
}
variables {
  old = "style"
}
locals {
  tag    = "${var.conf.name}-${local.suffix}"
  suffix = upper("v${var.replicas}")
  ports  = { for p in var.conf.ports : "p${p}" => p if p > 0 }
  list   = flatten([for z in var.zones : [for i in range(2) : "${z}${i}"]])
}
job "language" {
  datacenters = var.zones
  meta {
    tag      = local.tag
    splat    = join(",", [for o in [{ n = "a" }, { n = "b" }] : o.n])
    star     = join(",", [{ n = "a" }, { n = "b" }][*].n)
    cond     = var.flag ? "yes" : "no"
    deep     = var.any.a.b[0]
    old      = var.old
    template = "%{ for z in var.zones }<${z}>%{ endfor }%{ if var.flag }!%{ else }?%{ endif }"
    json     = jsonencode({ a = [1, "x", null], b = { c = true } })
    kept     = "${NOMAD_PORT_http} ${attr.kernel.name} ${node.class} ${meta.a-b} ${env["HOME"]} ${secret.db.pass} ${unknown.thing} ${attr.cpu.0} ${attr.list[1]} ${attr.cpu} ${node.class.x}"
    mixed    = "${var.old}-${NOMAD_ALLOC_ID}"
    escaped  = "$${NOT} %%{NOT}"
    fn       = join("/", ["${NOMAD_TASK_DIR}", "x"])
  }
  group "g" {
    count = var.replicas
    network {
      dynamic "port" {
        for_each = local.ports
        labels   = [port.key]
        content {
          to = port.value
        }
      }
      dynamic "port" {
        for_each = local.list
        iterator = it
        labels   = ["x${it.value}"]
        content {}
      }
    }
    dynamic "task" {
      for_each = ["one", "two"]
      labels   = [task.value]
      content {
        driver = "docker"
        config {
          image = "img:${task.value}"
          args  = ["${task.key}", "${NOMAD_TASK_NAME}"]
        }
        dynamic "env" {
          for_each = [1]
          content {
            INNER = "${task.value}${env.value}"
            OUTER = "${NOMAD_ALLOC_ID}"
          }
        }
        dynamic "template" {
          for_each = task.value == "one" ? [] : ["f"]
          content {
            destination = "local/${template.value}"
            data        = <<EOF
{{ range nomadService "db" }}${task.value} ${NOMAD_DC}
{{ end }}
EOF
          }
        }
      }
    }
  }
}
