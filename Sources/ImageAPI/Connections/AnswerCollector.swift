import NIOCore
import NIOHTTP1

extension Exchange {
  /// What came back.
  struct Answer: Sendable {
    var status: Int
    var headers: HTTPHeaders
    var body: ByteBuffer
    /// The room that its body takes, for as long as anything made of it is kept.
    var share: AnswerBudget.Share?
    /// Why its body cannot be decoded, so that there is none; nil where it could.
    var unreadable: String?
  }

  /// Why nothing usable came back.
  struct Broken: Error {
    /// Whether the first byte of the request may have left.
    var permit: SendPermit.Verdict
    var underlying: any Error
  }
}

/// Keeps an answer in memory. Answers of more than `limit` bytes are an error. Confined to the event loop.
final class AnswerCollector: AnswerReceiver {
  private let limit: Int
  private let budget: AnswerBudget
  private let continuation: CheckedContinuation<Exchange.Answer, any Error>
  private var head: HTTPResponseHead?
  // Decoded, where it came compressed.
  private var body = ByteBuffer()
  // In bytes as they came.
  private var received = 0
  private var announced = 0
  private var decoder: ContentDecoder?
  private var unreadable: String?
  private var share: AnswerBudget.Share?

  init(limit: Int, budget: AnswerBudget, _ continuation: CheckedContinuation<Exchange.Answer, any Error>) {
    self.limit = limit
    self.budget = budget
    self.continuation = continuation
  }

  func received(_ head: HTTPResponseHead) throws {
    self.head = head
    announced = head.headers.first(name: "Content-Length").flatMap { Int($0) } ?? 0
    decoder = ContentDecoder(head.headers, limit: limit)
    try check(announced)
  }

  func received(_ part: ByteBuffer) throws -> Bool {
    received += part.readableBytes
    guard let decoder else {
      try check(received)
      if unreadable == nil { keep(part) }
      return true
    }
    // The limits count what is kept: the decoded bytes. As many as that may come encoded, too.
    try check(max(received, body.readableBytes))
    decoder.feed(part.readableBytesView)
    do {
      while let decoded = try decoder.next() {
        try check(body.readableBytes + decoded.count)
        body.writeBytes(decoded)
      }
    } catch Inflater.Trouble.tooLarge {
      try check(limit + 1)
    } catch let trouble as Inflater.Trouble {
      // What it says otherwise still counts: its status above all.
      self.decoder = nil
      unreadable = trouble.words
      body = ByteBuffer()
    }
    return true
  }

  // An answer that came in one part is kept as it was read.
  private func keep(_ part: ByteBuffer) {
    if received == part.readableBytes, announced <= received {
      body = part
    } else {
      // Memory that is not written to costs nothing; a buffer that grows is copied.
      if received == part.readableBytes { body.reserveCapacity(announced) }
      body.writeImmutableBuffer(part)
    }
  }

  private func check(_ length: Int) throws {
    if length > limit {
      throw TooLarge(limit: limit, isAnswer: head.map { (200..<300) ~= $0.status.code } ?? false)
    }
    guard length > AnswerBudget.free else { return }
    let share = share ?? AnswerBudget.Share(of: budget)
    self.share = share
    if !share.cover(length) { throw NoRoom() }
  }

  func ended(_ failure: (any Error)?) {
    if let failure { return continuation.resume(throwing: failure) }
    guard let head else { return continuation.resume(throwing: ConnectionTrouble.closed) }
    do throws(Inflater.Trouble) {
      if let last = try decoder?.finish() { body.writeBytes(last) }
    } catch {
      unreadable = error.words
    }
    if unreadable != nil { body = ByteBuffer() }
    continuation.resume(
      returning: Exchange.Answer(
        status: Int(head.status.code), headers: head.headers, body: body, share: share, unreadable: unreadable))
  }
}

extension Inflater.Trouble {
  /// For people, to follow a colon.
  var words: String {
    switch self {
    case .damaged(let what): what
    case .tooLarge: "too much comes out of it"
    }
  }
}

/// An answer that is larger than any real one.
struct TooLarge: Error, CustomStringConvertible {
  let limit: Int
  /// Whether it said yes, and so is the service's own.
  var isAnswer = true
  /// Whether the pictures in it do not count.
  var isWithoutPictures = false
  var description: String {
    "the answer is larger than \(limit) bytes\(isWithoutPictures ? ", the pictures in it not counted" : "")"
  }
}
