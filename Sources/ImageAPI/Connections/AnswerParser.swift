import NIOCore

/// Reads HTTP/1 answers (RFC 9112) from what comes on a connection, one after the other. Pure: it is given bytes, and
/// hands out parts of answers.
///
/// It stands in place of swift-nio's decoder, which makes texts of every field and hands each part through two handlers:
/// that cost as much as all else that is done for a small answer.
struct AnswerParser {
  /// A part of an answer.
  enum Part {
    /// The head. Those of 1xx are left out, except for 101, which changes the protocol.
    case head(AnswerHead)
    case body(ByteBuffer)
    case end
  }
  typealias Malformed = AnswerHead.Malformed

  // In bytes; the fields of any real answer are a few thousand.
  private static let mostHead = 262_144
  private static let mostChunkLine = 4096

  private enum State {
    case head
    case body(left: Int)
    case bodyToEnd
    case chunkSize
    case chunk(left: Int)
    case chunkEnd
    /// `passed`: bytes of them so far.
    case trailers(passed: Int)
  }
  private var state = State.head
  // In the head that is not all there yet.
  private var searched = 0

  /// Takes the next part out of the bytes; nil: there has to be more. Throws where this is no answer: then the connection
  /// is of no more use.
  mutating func next(_ bytes: inout ByteBuffer) throws(Malformed) -> Part? {
    while true {
      switch state {
      case .head:
        guard let head = try head(&bytes) else { return nil }
        if head.status < 200, head.status != 101 { continue }
        switch head.framing {
        case .none: state = .body(left: 0)
        case .length(let length): state = .body(left: length)
        case .chunks: state = .chunkSize
        case .endOfConnection: state = .bodyToEnd
        }
        return .head(head)
      case .body(left: 0): return end()
      case .body(let left):
        guard let part = bytes.take(left) else { return nil }
        state = .body(left: left - part.readableBytes)
        return .body(part)
      case .bodyToEnd: return bytes.take(.max).map { .body($0) }
      case .chunkSize:
        guard let size = try chunkSize(&bytes) else { return nil }
        state = size == 0 ? .trailers(passed: 0) : .chunk(left: size)
      case .chunk(left: 0): state = .chunkEnd
      case .chunk(let left):
        guard let part = bytes.take(left) else { return nil }
        state = .chunk(left: left - part.readableBytes)
        return .body(part)
      case .chunkEnd:
        guard let line = try line(&bytes, Self.mostChunkLine) else { return nil }
        guard line.length == 0 else { throw Malformed("a chunk is longer than it says") }
        state = .chunkSize
      case .trailers(let passed):
        // Nothing that a trailer says is read.
        guard let line = try line(&bytes, Self.mostHead - passed) else { return nil }
        if line.length == 0 { return end() }
        state = .trailers(passed: passed + line.whole)
      }
    }
  }

  /// The connection has ended: the end of an answer that ends with it, else nil.
  mutating func connectionEnded() -> Part? {
    if case .bodyToEnd = state { end() } else { nil }
  }

  private mutating func end() -> Part {
    state = .head
    return .end
  }

  private mutating func head(_ bytes: inout ByteBuffer) throws(Malformed) -> AnswerHead? {
    let found = bytes.withUnsafeReadableBytes { raw in
      Result { () throws(Malformed) in try AnswerHead.read(raw, searched: &searched) }
    }
    guard let (head, length) = try found.get() else {
      guard bytes.readableBytes <= Self.mostHead else { throw Malformed("its head has no end") }
      return nil
    }
    searched = 0
    bytes.moveReaderIndex(forwardBy: length)
    return head
  }

  // A number in hexadecimal, and behind a semicolon what nobody reads (RFC 9112 §7.1.1).
  private func chunkSize(_ bytes: inout ByteBuffer) throws(Malformed) -> Int? {
    guard let line = try line(&bytes, Self.mostChunkLine, passes: false) else { return nil }
    let size = bytes.withUnsafeReadableBytes { raw in
      let line = UnsafeRawBufferPointer(rebasing: raw[..<line.length])
      let end = Bytes.find(UInt8(ascii: ";"), in: line) ?? line.count
      return Bytes.hexadecimal(Bytes.trimmed(UnsafeRawBufferPointer(rebasing: line[..<end])))
    }
    guard let size else { throw Malformed("a chunk's size is no number") }
    bytes.moveReaderIndex(forwardBy: line.whole)
    return size
  }

  // The length of the next line, without and with its end; nil: it is not all there. `passes`: it is taken out.
  private func line(
    _ bytes: inout ByteBuffer, _ most: Int, passes: Bool = true
  ) throws(Malformed) -> (length: Int, whole: Int)? {
    let line = bytes.withUnsafeReadableBytes { raw -> (length: Int, whole: Int)? in
      Bytes.find(0x0A, in: raw).map { end in (end > 0 && raw[end - 1] == 0x0D ? end - 1 : end, end + 1) }
    }
    guard line?.whole ?? bytes.readableBytes <= most else { throw Malformed("a line has no end") }
    if let line, passes { bytes.moveReaderIndex(forwardBy: line.whole) }
    return line
  }
}

extension ByteBuffer {
  // Up to so many bytes; nil: there are none.
  fileprivate mutating func take(_ most: Int) -> ByteBuffer? {
    readableBytes > 0 ? readSlice(length: min(readableBytes, most)) : nil
  }
}
