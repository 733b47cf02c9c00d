import JobCore
import NIOCore
import NIOHTTP1

/// The body of an answer that has a picture: decoded where it came compressed, held against the length that was announced
/// and the limit. Nothing here waits, so that the task that does keeps little while it waits.
struct PictureBody {
  private let limit: Int
  private let expected: Int?
  private let decoder: ContentDecoder?
  // What came last and is as it stands.
  private var plain: ByteBuffer?
  // In bytes, as they came and as they were handed on.
  private var received = 0
  private var made = 0

  /// Throws where the picture is announced to be larger than `limit`, which counts its own bytes, whatever they come as.
  init(_ headers: HTTPHeaders, limit: Int) throws(FetchFailure) {
    self.limit = limit
    expected = headers.first(name: "Content-Length").flatMap { Int($0) }
    decoder = ContentDecoder(headers, limit: limit)
    if let expected, expected > limit, decoder == nil { throw Self.tooLarge(limit) }
  }

  /// Adds what came. `next` has given all that came before.
  mutating func add(_ part: ByteBuffer) {
    received += part.readableBytes
    if let decoder { decoder.feed(part.readableBytesView) } else { plain = part }
  }

  /// The picture's next bytes, at least one; nil: more has to come first.
  mutating func next() throws(FetchFailure) -> [UInt8]? {
    if let part = plain.take() { return try checked(part.withUnsafeReadableBytes { Array($0) }) }
    guard let decoder else { return nil }
    while let part = try decoded({ () throws(Inflater.Trouble) in try decoder.next() }) {
      if let bytes = try checked(part) { return bytes }
    }
    return nil
  }

  /// All has come. The picture's last bytes, if any are left.
  mutating func end() throws(FetchFailure) -> [UInt8]? {
    if let expected, received != expected {
      throw .transient(
        JobError(
          code: .imageCutShort, message: "The picture ended after \(received) of \(expected) bytes.", retryable: true),
        retryAfter: nil)
    }
    guard let decoder else { return nil }
    return try checked(try decoded { () throws(Inflater.Trouble) in try decoder.finish() })
  }

  private mutating func checked(_ bytes: [UInt8]) throws(FetchFailure) -> [UInt8]? {
    made += bytes.count
    if made > limit { throw Self.tooLarge(limit) }
    return bytes.isEmpty ? nil : bytes
  }

  private func decoded<T>(_ body: () throws(Inflater.Trouble) -> T) throws(FetchFailure) -> T {
    do throws(Inflater.Trouble) { return try body() } catch .tooLarge { throw Self.tooLarge(limit) } catch {
      throw .transient(
        JobError(
          code: .imageEncoding, message: "The picture came compressed, and cannot be decoded: \(error.words).",
          hint: "promptdrop tries again by itself.", retryable: true), retryAfter: nil)
    }
  }

  private static func tooLarge(_ limit: Int) -> FetchFailure {
    .unusable(
      JobError(
        code: .imageTooLarge, message: "The picture is larger than the limit of \(limit) bytes (max-image-bytes)."))
  }
}
