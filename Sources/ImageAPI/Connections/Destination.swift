/// What a connection leads to. Requests to one destination share its connections.
struct Destination: Hashable, Sendable {
  /// How the host is reached.
  enum Way: Hashable, Sendable {
    /// At the addresses that its name has when it is dialled.
    case byName
    /// At addresses that were checked before: the request brings them along, and no other is dialled.
    case checked
    /// Through the proxy, which resolves the name.
    case proxy
  }

  /// As in the URL.
  var host: String
  /// 1 to 65,535.
  var port: Int
  /// Whether TLS is spoken.
  var isSecure: Bool
  /// How the host is reached.
  var way: Way

  /// The destination of an address.
  init(_ address: WebAddress, _ way: Way) {
    (host, port, isSecure, self.way) = (address.host, address.port, address.isSecure, way)
  }
}
