import NIOCore
import NIOHTTP1

/// What is the same in the heads of all requests of a kind, in the bytes that are sent (RFC 9112 §3). It is put together
/// once: fields that are looked up, compared and written one by one cost more than all the rest of sending a request.
final class RequestForm: Sendable {
  private let beginning: String
  private let middle: String
  private let end: String

  /// The parts of a request's own stand between these.
  init(_ beginning: String, _ middle: String, _ end: String = "") {
    self.beginning = beginning
    self.middle = middle
    self.end = end
  }

  /// The head of one request. Its own parts hold nothing that ends a line.
  func with(_ first: String, _ second: String = "") -> RequestHead { RequestHead(self, first, second) }

  fileprivate func write(_ first: String, _ second: String, to buffer: inout ByteBuffer) {
    buffer.writeString(beginning)
    buffer.writeString(first)
    buffer.writeString(middle)
    buffer.writeString(second)
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

/// The head of a request.
struct RequestHead: Sendable {
  private let form: RequestForm
  private let first: String
  private let second: String

  fileprivate init(_ form: RequestForm, _ first: String, _ second: String) {
    (self.form, self.first, self.second) = (form, first, second)
  }

  func write(to buffer: inout ByteBuffer) { form.write(first, second, to: &buffer) }
}
