import NIOCore

/// A request that is to be sent, and how long it may take.
struct Outgoing: Sendable {
  /// What it goes to.
  var destination: Destination
  /// What may be dialled for it, where `destination` says that this was checked.
  var addresses: [NetworkAddress] = []
  /// What is written first, and with one call: the head, and of the body what is text at its beginning.
  var start: ByteBuffer
  /// What is left of the body, written as the other side takes it; nil: nothing.
  var rest: SubmitBody?
  /// Asked right before the first byte leaves. A request with a permit is never sent twice; nil: it may be.
  var permit: SendPermit?
  /// For all of it.
  var deadline: NIODeadline?
  /// From its last byte to the whole answer.
  var patience: TimeAmount?
  /// The longest time without anything of the answer.
  var silence: TimeAmount?

  /// The lines of a head's fields, each with its end; nil where they cannot be written as they stand: something in them
  /// ends a line, or something else could be read out of them.
  static func lines(_ fields: [(name: String, value: String)]) -> String? {
    let areUsable = fields.allSatisfy { name, value in
      !name.isEmpty && name.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: ":") }
        && value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
    }
    return areUsable ? fields.map { "\($0.name): \($0.value)\r\n" }.joined() : nil
  }
}
