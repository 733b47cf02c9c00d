import NIOCore

/// The API's address, and all that is the same in each request to it: read and put together once.
struct APIAddress: Sendable {
  static let submitPath = "/api/image/gen"
  static let queryPath = "/api/task/query?task_id="

  private let destination: Destination
  // Of a submission all but the length of its body, of a query all but the task's id.
  private let submission: RequestForm
  private let query: RequestForm

  /// Nil where the address is none, or something cannot be written into a request.
  init?(_ base: String, key: String, userAgent: String, _ way: Destination.Way) {
    guard let submit = WebAddress(base + Self.submitPath), let query = WebAddress(base + Self.queryPath) else {
      return nil
    }
    destination = Destination(submit, way)
    let fields = RequestForm.fields([
      "Host": submit.authority, "Authorization": "Bearer \(key)", "User-Agent": userAgent, "Accept": "application/json",
    ])
    guard let fields else { return nil }
    submission = RequestForm(
      "POST \(submit.path) HTTP/1.1\r\n\(fields)Content-Type: application/json\r\nContent-Length: ", "\r\n\r\n")
    self.query = RequestForm("GET \(query.path)", " HTTP/1.1\r\n\(fields)\r\n")
  }

  /// A submission.
  func submission(_ body: SubmitBody, permit: SendPermit, patience: TimeAmount) -> Outgoing {
    Outgoing(
      destination: destination, head: submission.with("\(body.length)"), body: body, permit: permit, patience: patience)
  }

  /// A query of the task with the id, which is escaped.
  func query(_ id: String, deadline: NIODeadline) -> Outgoing {
    Outgoing(destination: destination, head: query.with(id), deadline: deadline)
  }
}
