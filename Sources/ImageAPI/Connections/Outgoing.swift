import NIOCore
import NIOHTTP1

/// A request that is to be sent, and how long it may take.
struct Outgoing: Sendable {
  /// What it goes to.
  var destination: Destination
  /// What may be dialled for it, where `destination` says that this was checked.
  var addresses: [NetworkAddress] = []
  /// Method, path and headers; `Host` and `Content-Length` included.
  var head: HTTPRequestHead
  /// Written as the other side takes it, its beginning together with the head; nil: it has none.
  var body: SubmitBody?
  /// Asked right before the first byte leaves. A request with a permit is never sent twice; nil: it may be.
  var permit: SendPermit?
  /// For all of it.
  var deadline: NIODeadline?
  /// From its last byte to the whole answer.
  var patience: TimeAmount?
  /// The longest time without anything of the answer.
  var silence: TimeAmount?

  /// Whether the fields can be written as they stand: nothing in them ends a line, and nothing else is read out of them.
  /// The encoder writes what it is given.
  static func isUsable(_ headers: HTTPHeaders) -> Bool {
    headers.allSatisfy { name, value in
      !name.isEmpty && name.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: ":") }
        && value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
    }
  }
}
