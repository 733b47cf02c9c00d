import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Synchronization

/// One request with an answer that is kept in memory.
final class Exchange: HTTPClientResponseDelegate {
  typealias Response = Answer

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

  private struct State {
    var sentAt: NIODeadline?
    var head: HTTPResponseHead?
    /// Decoded, where it came compressed.
    var body = ByteBuffer()
    /// Bytes as they came.
    var received = 0
    var decoder: ContentDecoder?
    var unreadable: String?
  }
  private let state = Mutex(State())
  private let limit: Int
  private let patience: TimeAmount
  private let share: AnswerBudget.Share

  private init(limit: Int, patience: TimeAmount, budget: AnswerBudget) {
    self.limit = limit
    self.patience = patience
    share = AnswerBudget.Share(of: budget)
  }

  /// Performs a request. Answers larger than `limit` bytes are an error, and so are those that are not whole when
  /// `patience` has passed since the last byte of the request: the client's own time limits start anew with every part
  /// that drips in. Throws what it was.
  static func perform(
    _ request: HTTPClient.Request, with client: HTTPClient, limit: Int, budget: AnswerBudget, patience: TimeAmount,
    deadline: NIODeadline?
  ) async throws -> Answer {
    let exchange = Exchange(limit: limit, patience: patience, budget: budget)
    do {
      return try await client.execute(request: request, delegate: exchange, deadline: deadline).get()
    } catch {
      if let refusal = exchange.wholeRefusal { return refusal }
      throw error
    }
  }

  // A server may say no before it has the whole request, and close: the answer counts, not how the request ended.
  private var wholeRefusal: Answer? {
    state.withLock { state in
      guard let head = state.head, (400..<500) ~= head.status.code,
        let length = head.headers.first(name: "Content-Length").flatMap({ Int($0) }), state.received == length
      else { return nil }
      return answer(head, &state)
    }
  }

  private func answer(_ head: HTTPResponseHead, _ state: inout State) -> Answer {
    var answer = Answer(status: Int(head.status.code), headers: head.headers, body: state.body, share: share)
    do throws(Inflater.Trouble) {
      if let last = try state.decoder?.finish() { answer.body.writeBytes(last) }
    } catch {
      state.unreadable = error.words
    }
    if let why = state.unreadable {
      answer.unreadable = why
      answer.body = ByteBuffer()
    }
    return answer
  }

  func didSendRequest(task: HTTPClient.Task<Answer>) {
    state.withLock { $0.sentAt = .now() }
  }

  func didReceiveHead(task: HTTPClient.Task<Answer>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
    let announced = head.headers.first(name: "Content-Length").flatMap { Int($0) } ?? 0
    let isEncoded = state.withLock { state in
      state.head = head
      state.decoder = ContentDecoder(head.headers, limit: limit)
      return state.decoder != nil
    }
    if let error = trouble(with: announced, of: head) { return task.eventLoop.makeFailedFuture(error) }
    // Memory that is not written to costs nothing; a buffer that grows is copied.
    if !isEncoded { state.withLock { $0.body.reserveCapacity(announced) } }
    return task.eventLoop.makeSucceededVoidFuture()
  }

  func didReceiveBodyPart(task: HTTPClient.Task<Answer>, _ buffer: ByteBuffer) -> EventLoopFuture<Void> {
    let error = state.withLock { state -> (any Error)? in
      if state.sentAt.map({ .now() > $0 + patience }) ?? false { return TooLate() }
      return add(buffer, to: &state)
    }
    if let error { return task.eventLoop.makeFailedFuture(error) }
    return task.eventLoop.makeSucceededVoidFuture()
  }

  // The limits count what is kept: the decoded bytes. As many as that may come encoded, too.
  private func add(_ buffer: ByteBuffer, to state: inout State) -> (any Error)? {
    state.received += buffer.readableBytes
    guard let decoder = state.decoder else {
      if let error = trouble(with: state.received, of: state.head) { return error }
      if state.unreadable == nil { state.body.writeImmutableBuffer(buffer) }
      return nil
    }
    if let error = trouble(with: max(state.received, state.body.readableBytes), of: state.head) { return error }
    decoder.feed(buffer.readableBytesView)
    do throws(Inflater.Trouble) {
      while let part = try decoder.next() {
        if let error = trouble(with: state.body.readableBytes + part.count, of: state.head) { return error }
        state.body.writeBytes(part)
      }
    } catch .tooLarge {
      return trouble(with: limit + 1, of: state.head)
    } catch {
      // What it says otherwise still counts: its status above all.
      (state.decoder, state.unreadable) = (nil, error.words)
      state.body = ByteBuffer()
    }
    return nil
  }

  private func trouble(with length: Int, of head: HTTPResponseHead?) -> (any Error)? {
    if length > limit { return TooLarge(limit: limit, isAnswer: head.map { (200..<300) ~= $0.status.code } ?? false) }
    return share.cover(length) ? nil : NoRoom()
  }

  func didFinishRequest(task: HTTPClient.Task<Answer>) throws -> Answer {
    try state.withLock { state in
      guard let head = state.head else { throw HTTPClientError.remoteConnectionClosed }
      return answer(head, &state)
    }
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

/// An answer that takes too long to be whole.
struct TooLate: Error {}

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
