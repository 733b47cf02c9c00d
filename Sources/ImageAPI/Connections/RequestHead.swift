import NIOCore
import NIOHTTP1

/// The head of a request, in the bytes that are sent (RFC 9112 §3). Requests of a kind differ in one place: the rest is put
/// together once and copied into each, for three fields looked up, compared and written one by one cost more than all the
/// rest of sending a request.
struct RequestHead: Sendable {
  private let beginning: String
  private var own = ""
  private let end: String

  /// A head whose own part, which `with` gives, stands between the two.
  init(_ beginning: String, _ end: String) {
    self.beginning = beginning
    self.end = end
  }

  /// The head of one request. `own` holds nothing that ends a line.
  func with(_ own: String) -> RequestHead {
    var head = self
    head.own = own
    return head
  }

  func write(to buffer: inout ByteBuffer) {
    buffer.writeString(beginning)
    buffer.writeString(own)
    buffer.writeString(end)
  }

  /// Fields as they are written, each with its end of line. Nil where one cannot be written as it stands: nothing in a field
  /// ends its line, and nothing else can be read out of it.
  static func fields(_ headers: HTTPHeaders) -> String? {
    let areUsable = headers.allSatisfy { name, value in
      !name.isEmpty && name.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: ":") }
        && value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
    }
    return areUsable ? headers.map { "\($0.name): \($0.value)\r\n" }.joined() : nil
  }
}
