import NIOCore
import NIOHTTP1

/// The head of a request, in the bytes that are sent (RFC 9112 §3). What is the same in all requests of a
/// kind is put together once: fields that are looked up, compared and written one by one cost more than all the rest of
/// sending a request.
struct RequestHead: Sendable {
  private let beginning: String
  private let middle: String
  private let end: String
  private var own = ("", "")

  /// A head whose own parts, which `with` gives, stand between these.
  init(_ beginning: String, _ middle: String, _ end: String = "") {
    self.beginning = beginning
    self.middle = middle
    self.end = end
  }

  /// The head of one request. Its own parts hold nothing that ends a line.
  func with(_ first: String, _ second: String = "") -> RequestHead {
    var head = self
    head.own = (first, second)
    return head
  }

  func write(to buffer: inout ByteBuffer) {
    buffer.writeString(beginning)
    buffer.writeString(own.0)
    buffer.writeString(middle)
    buffer.writeString(own.1)
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
