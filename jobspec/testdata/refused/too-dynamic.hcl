job "too-dynamic" {
  dynamic "group" {
    for_each = range(1000)
    labels   = ["g${group.value}"]
    content {
      dynamic "task" {
        for_each = range(100)
        labels   = ["t${task.value}"]
        content {
          dynamic "template" {
            for_each = range(50)
            content {
              destination = "local/${template.value}"
              data        = "a"
            }
          }
        }
      }
    }
  }
}
