import NIOCore

/// A task at one moment, ready to be written as JSON.
struct TaskView: Sendable {
  enum Status: Sendable {
    case pending, submitted, inProgress, success
    case failed(String)
    case other(String)

    var word: String {
      switch self {
      case .pending: "pending"
      case .submitted: "submitted"
      case .inProgress: "in_progress"
      case .success: "success"
      case .failed: "failed"
      case .other(let word): word
      }
    }
  }

  let id: String
  let createdAt: String
  let consumed: String
  let picture: PictureRequest
  let linkGeneration: Int
  let isFinal: Bool
  var status: Status
  var shape = ResultShape.null
  var images = 0
  var reasonIsString = false
  /// The id in the query's answer, where it is to be another one.
  var answersAs: String?
  /// The fault that decided the task's end, when it was decided just now.
  var settledBy: Fault?

  init(_ record: TaskRecord, consumed: String, now: NIODeadline) {
    id = record.id
    createdAt = record.createdAt
    self.consumed = consumed
    picture = record.picture
    linkGeneration = record.expiredLinks + 1
    isFinal = now >= record.final
    // A quarter of the time each for the two statuses of waiting, the rest for the drawing.
    let quarter = (record.final - record.created).nanoseconds / 4
    let elapsed = (now - record.created).nanoseconds
    status = elapsed < quarter ? .pending : elapsed < 2 * quarter ? .submitted : .inProgress
  }

  mutating func settle(_ end: TaskEnd) {
    switch end {
    case .failed(let reason): status = .failed(reason)
    case .success(let shape, let count):
      status = .success
      self.shape = shape
      images = count
    }
  }

  /// The query's answer.
  func answer(authority: String, pictures: [ByteBuffer]) -> ByteBuffer {
    let inline = pictures.reduce(0) { $0 + $1.readableBytes * 4 / 3 + 64 }
    var body = ByteBufferAllocator().buffer(capacity: 384 + inline)
    body.writeString("{\"code\":0,\"message\":\"ok\",\"data\":{\"task_id\":\"")
    body.writeString(answersAs ?? id)
    body.writeString("\",\"status\":")
    body.writeJSON(status.word)
    body.writeString(",")
    writeResult(to: &body, authority: authority, pictures: pictures)
    body.writeString("\"consumed\":")
    body.writeJSON(consumed)
    body.writeString(",\"created_at\":\"")
    body.writeString(createdAt)
    body.writeString("\",\"status_reason\":")
    writeReason(to: &body)
    body.writeString("}}")
    return body
  }

  /// The webhook's body: the same facts in the order and without the envelope, as the guide shows it.
  func notification(authority: String, pictures: [ByteBuffer]) -> ByteBuffer {
    var body = ByteBuffer()
    body.writeString("{")
    writeResult(to: &body, authority: authority, pictures: pictures)
    body.writeString("\"status\":")
    body.writeJSON(status.word)
    body.writeString(",\"task_id\":\"\(id)\",\"consumed\":")
    body.writeJSON(consumed)
    body.writeString(",\"status_reason\":")
    writeReason(to: &body)
    body.writeString("}")
    return body
  }

  private func writeReason(to body: inout ByteBuffer) {
    var reason: String?
    if case .failed(let text) = status { reason = text }
    if !reasonIsString { body.writeString("{\"message\":") }
    body.writeJSON(reason)
    if !reasonIsString { body.writeString("}") }
  }
}
