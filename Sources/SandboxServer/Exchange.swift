import Foundation
import NIOCore
import NIOHTTP1

/// One fully received request.
struct Request: Sendable {
  var method: HTTPMethod
  /// The path without its query.
  var path: String
  /// What follows `?`, undecoded; empty when nothing does.
  var query: String
  var headers: HTTPHeaders
  var body: ByteBuffer
  /// The body was larger than the limit and was thrown away.
  var isTooLarge: Bool
  /// `host:port` as the client wrote it, so that links lead back the way the client came.
  var authority: String

  /// The value of one query parameter, percent-decoded.
  func parameter(_ name: String) -> String? {
    for pair in query.split(separator: "&") {
      guard pair.hasPrefix(name), let equals = pair.firstIndex(of: "="), pair[..<equals] == name else { continue }
      let value = String(pair[pair.index(after: equals)...])
      return value.utf8.contains(UInt8(ascii: "%")) ? value.removingPercentEncoding : value
    }
    return nil
  }
}

/// What to do with one request: an answer, or a way not to give one.
struct Reply: Sendable {
  enum Body: Sendable {
    case whole(ByteBuffer)
    /// Content-Length announces all of it, half is sent, then the connection is closed.
    case half(ByteBuffer)
    /// That many bytes in chunks.
    case stream(Int)
  }
  enum Ending: Sendable {
    case answer, close, reset, hang
  }

  var status = 200
  var type = ContentType.json
  var headers: [(String, String)] = []
  var body: Body
  var ending = Ending.answer
  /// The wait before any of it, in milliseconds.
  var delay = 0
  var taskID: String?
  /// How its body is compressed on its way.
  var compression: Compression?
  /// The submit's number in the ledger, so that what was really answered can be put there.
  var ledgerNumber: Int?
  var faults: [Fault] = []

  static func json(_ body: ByteBuffer, status: Int = 200) -> Reply {
    Reply(status: status, body: .whole(body))
  }

  static func html(_ status: Int) -> Reply {
    Reply(status: status, type: ContentType.html, body: .whole(Envelope.html(status)))
  }

  static func ending(_ ending: Ending) -> Reply { Reply(body: .whole(ByteBuffer()), ending: ending) }

  /// Notes a fault that shaped this reply.
  func applying(_ fault: Fault?) -> Reply {
    guard let fault else { return self }
    var reply = self
    reply.faults.append(fault)
    return reply
  }
}

enum ContentType {
  static let json = "application/json"
  static let html = "text/html; charset=utf-8"
  static let png = "image/png"
}

/// A reply that is there, or one that waits for a picture to be drawn.
enum Outcome {
  case now(Reply)
  case later(EventLoopFuture<Reply>)
}
