import NIOCore

/// A request that is to be sent, and how long it may take.
struct Outgoing: Sendable {
  /// What it goes to.
  var destination: Destination
  /// What may be dialled for it, where `destination` says that this was checked.
  var addresses: [NetworkAddress] = []
  /// `Host` and, where there is a body, `Content-Length` included.
  var head: RequestHead
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
}
