import NIOCore

/// The API's address, and all that is the same in each request to it: read and put together once.
struct APIAddress: Sendable {
  static let submitPath = "/api/image/gen"
  static let queryPath = "/api/task/query?task_id="

  private let destination: Destination
  // A submission's head up to the number of its bytes, and a query's head before and behind the task's id.
  private let submission: [UInt8]
  private let query: (before: [UInt8], behind: [UInt8])

  /// Nil where the address is none, or something cannot be written into a request.
  init?(_ base: String, key: String, userAgent: String, _ way: Destination.Way) {
    guard let submit = WebAddress(base + Self.submitPath), let query = WebAddress(base + Self.queryPath),
      let common = Outgoing.lines([
        ("Host", submit.authority), ("Authorization", "Bearer \(key)"), ("User-Agent", userAgent),
        ("Accept", "application/json"),
      ])
    else { return nil }
    destination = Destination(submit, way)
    submission = Array(
      "POST \(submit.path) HTTP/1.1\r\n\(common)Content-Type: application/json\r\nContent-Length: ".utf8)
    self.query = (Array("GET \(query.path)".utf8), Array(" HTTP/1.1\r\n\(common)\r\n".utf8))
  }

  /// A submission.
  func submission(_ body: SubmitBody, permit: SendPermit, patience: TimeAmount) -> Outgoing {
    var rest = body
    let text = rest.removeText()
    var start = ByteBuffer()
    start.reserveCapacity(submission.count + text.count + 24)
    start.writeBytes(submission)
    start.writeString("\(body.length)\r\n\r\n")
    start.writeBytes(text)
    return Outgoing(
      destination: destination, start: start, rest: rest.isAtEnd ? nil : rest, permit: permit, patience: patience)
  }

  /// A query of the task with the id, which is escaped.
  func query(_ id: String, deadline: NIODeadline) -> Outgoing {
    var start = ByteBuffer()
    start.reserveCapacity(query.before.count + id.utf8.count + query.behind.count)
    start.writeBytes(query.before)
    start.writeString(id)
    start.writeBytes(query.behind)
    return Outgoing(destination: destination, start: start, deadline: deadline)
  }
}
