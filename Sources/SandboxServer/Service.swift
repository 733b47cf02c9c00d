import NIOCore
import NIOHTTP1

/// The service behind the HTTP handler: routes a request to its endpoint.
struct Service: Sendable {
  let state: SandboxState
  let eventLoop: any EventLoop
  let pictures: PictureStore

  static let submitPath = "/api/image/gen"
  static let queryPath = "/api/task/query"
  static let imagePrefix = "/images/"
  static let adminPrefix = "/sandbox/"

  var options: SandboxOptions { state.options }

  func answer(_ request: Request) -> Outcome {
    switch (request.method, request.path) {
    case (.GET, Self.queryPath): return query(request)
    case (.POST, Self.submitPath): return .now(submit(request))
    case (.GET, let path) where path.hasPrefix(Self.imagePrefix): return image(request)
    case (_, let path) where path.hasPrefix(Self.adminPrefix): return .now(admin(request))
    default: return .now(.html(404))
    }
  }

  /// Whether a body is wanted at all: others are read and forgotten.
  func wantsBody(_ head: HTTPRequestHead) -> Bool {
    head.method == .POST && (head.uri.hasPrefix(Self.submitPath) || head.uri.hasPrefix(Self.adminPrefix))
  }

  /// The fault that ends a submit before its body is read, if it is that one's turn.
  func earlyReset(_ head: HTTPRequestHead) -> Fault? {
    guard head.method == .POST, head.uri.hasPrefix(Self.submitPath) else { return nil }
    return state.withLock { $0.take(.early) }
  }

  func keyIsGood(_ headers: HTTPHeaders) -> Bool {
    guard let value = headers.first(name: "Authorization"), value.hasPrefix("Bearer ") else { return false }
    let key = value.dropFirst(7)
    if let wanted = options.apiKey { return key == wanted }
    return !key.isEmpty
  }

  /// The documented JSON for a status; `submit` and `query` differ in a few.
  static func refusal(_ status: Int, onSubmit: Bool) -> Reply {
    let body: ByteBuffer
    switch status {
    case 400: body = Envelope.error("failed", detail: "prompt is required")
    case 401: body = Envelope.error(code: onSubmit ? 1 : 401, "Invalid API key")
    case 402: body = Envelope.error("failed", detail: "insufficient credits")
    case 403: body = Envelope.error("failed", detail: "account suspended")
    case 404 where onSubmit: return .html(404)
    case 404: body = Envelope.error("task not found")
    case 413: body = Envelope.error("failed", detail: "request body too large")
    case 429: body = Envelope.error("failed", detail: "too many requests")
    case 500...: body = Envelope.error("internal server error")
    default: body = Envelope.error("failed", detail: "status \(status)")
    }
    return .json(body, status: status)
  }

  static func tooManyRequests(retryAfter: String?) -> Reply {
    var reply = refusal(429, onSubmit: true)
    if let retryAfter { reply.headers.append(("Retry-After", retryAfter)) }
    return reply
  }
}
