import NIOCore
import NIOHTTP1

/// Undoes the Content-Encoding of a body (RFC 9110 §8.4), part by part. What comes out is limited at each step, so that a
/// few bytes cannot become any number of them.
struct ContentDecoder {
  // Servers behind servers may each compress; more than that is made to be a burden.
  private static let most = 3
  private let inflaters: [Inflater]

  /// Nil: the body is as it stands, or is in a coding that nobody here knows, so that its bytes have to speak for
  /// themselves. No step makes more than `limit` bytes.
  init?(_ headers: HTTPHeaders, limit: Int) {
    let names = headers[canonicalForm: "Content-Encoding"].map { $0.lowercased() }
      .filter { !$0.isEmpty && $0 != "identity" }
    let codings = names.compactMap(Inflater.Coding.init)
    guard !names.isEmpty, names.count == codings.count, names.count <= Self.most else { return nil }
    // The last one was applied last.
    inflaters = codings.reversed().map { Inflater($0, limit: limit) }
  }

  /// Adds bytes as they came.
  func feed(_ bytes: ByteBufferView) { inflaters[0].feed(bytes) }

  /// Some decoded bytes; nil: it needs more.
  func next() throws(Inflater.Trouble) -> [UInt8]? { try next(of: inflaters.count - 1) }

  private func next(of index: Int) throws(Inflater.Trouble) -> [UInt8]? {
    while true {
      if let bytes = try inflaters[index].next() { return bytes }
      guard index > 0, let more = try next(of: index - 1) else { return nil }
      inflaters[index].feed(more)
    }
  }

  /// All bytes were added and taken. The last decoded ones, if any are left. Throws where the body is not whole.
  func finish() throws(Inflater.Trouble) -> [UInt8] {
    var rest: [UInt8] = []
    for inflater in inflaters {
      inflater.feed(rest)
      rest = []
      while let bytes = try inflater.next() { rest += bytes }
      rest += try inflater.finish()
    }
    return rest
  }
}
