import NIOCore
import NIOHTTP1

/// The API's address, and all that is the same in each request to it: read and put together once.
struct APIAddress: Sendable {
  static let submitPath = "/api/image/gen"
  static let queryPath = "/api/task/query?task_id="

  private let destination: Destination
  private let submitTarget: String
  private let queryTarget: String
  // Of a submission all fields but the length of its body.
  private let submitHeaders: HTTPHeaders
  private let queryHeaders: HTTPHeaders

  /// Nil where the address is none, or something cannot be written into a request.
  init?(_ base: String, key: String, userAgent: String, _ way: Destination.Way) {
    guard let submit = WebAddress(base + Self.submitPath), let query = WebAddress(base + Self.queryPath) else {
      return nil
    }
    destination = Destination(submit, way)
    (submitTarget, queryTarget) = (submit.path, query.path)
    var headers: HTTPHeaders = [
      "Host": submit.authority, "Authorization": "Bearer \(key)", "User-Agent": userAgent, "Accept": "application/json",
    ]
    guard Outgoing.isUsable(headers) else { return nil }
    queryHeaders = headers
    headers.add(name: "Content-Type", value: "application/json")
    submitHeaders = headers
  }

  /// A submission.
  func submission(_ body: SubmitBody, permit: SendPermit, patience: TimeAmount) -> Outgoing {
    var headers = submitHeaders
    headers.add(name: "Content-Length", value: "\(body.length)")
    return Outgoing(
      destination: destination,
      head: HTTPRequestHead(version: .http1_1, method: .POST, uri: submitTarget, headers: headers), body: body,
      permit: permit, patience: patience)
  }

  /// A query of the task with the id, which is escaped.
  func query(_ id: String, deadline: NIODeadline) -> Outgoing {
    Outgoing(
      destination: destination,
      head: HTTPRequestHead(version: .http1_1, method: .GET, uri: queryTarget + id, headers: queryHeaders),
      deadline: deadline)
  }
}
