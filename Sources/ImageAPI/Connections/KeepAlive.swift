import NIOCore
import NIOHTTP1

/// What a server says of how long it keeps a connection: `Keep-Alive: timeout=5, max=100`. It has no standard any more, and
/// is what servers that end idle connections early still say.
struct KeepAlive: Equatable {
  /// For how long the connection may be idle and still carry a request.
  var time: TimeAmount
  /// Whether this was its last request.
  var isOver: Bool

  /// Nil: it says nothing of that.
  init?(_ headers: HTTPHeaders) {
    guard let value = headers.first(name: "Keep-Alive") else { return nil }
    var seconds: Int64?
    var requests: Int64?
    for part in value.split(separator: ",") {
      let pair = part.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
      guard pair.count == 2, let number = Int64(pair[1]) else { continue }
      if pair[0] == "timeout" { seconds = number }
      if pair[0] == "max" { requests = number }
    }
    guard let seconds else {
      guard requests == 0 else { return nil }
      (time, isOver) = (.zero, true)
      return
    }
    // A second less than it says: what is sent just before the end arrives after it.
    time = .seconds(min(max(seconds - 1, 0), 3600))
    isOver = requests == 0 || seconds < 2
  }
}
