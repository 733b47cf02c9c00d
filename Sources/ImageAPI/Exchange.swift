import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Synchronization

/// One request with a small answer, and how far it got: that is what tells "never sent" from "nobody knows".
final class Exchange: HTTPClientResponseDelegate {
  typealias Response = Answer

  /// What came back.
  struct Answer: Sendable {
    var status: Int
    var headers: HTTPHeaders
    var body: [UInt8]
  }

  /// Why nothing usable came back.
  struct Broken: Error {
    /// Whether the first byte of the request may have left.
    var mayHaveBeenSent: Bool
    var underlying: any Error
  }

  private struct State {
    var mayHaveBeenSent = false
    var sentAt: NIODeadline?
    var head: HTTPResponseHead?
    var body: ByteBuffer?
  }
  private let state = Mutex(State())
  private let limit: Int
  private let patience: TimeAmount

  private init(limit: Int, patience: TimeAmount) {
    self.limit = limit
    self.patience = patience
  }

  /// Performs a request. Answers larger than `limit` bytes are an error, and so are those that are not whole when
  /// `patience` has passed since the last byte of the request: the client's own time limits start anew with every part
  /// that drips in. Throws `Broken`.
  static func perform(
    _ request: HTTPClient.Request, with client: HTTPClient, limit: Int, patience: TimeAmount, deadline: NIODeadline?
  ) async throws(Broken) -> Answer {
    let exchange = Exchange(limit: limit, patience: patience)
    do {
      return try await client.execute(request: request, delegate: exchange, deadline: deadline).get()
    } catch {
      throw Broken(mayHaveBeenSent: exchange.state.withLock { $0.mayHaveBeenSent }, underlying: error)
    }
  }

  func didSendRequestHead(task: HTTPClient.Task<Answer>, _ head: HTTPRequestHead) {
    state.withLock { $0.mayHaveBeenSent = true }
  }

  func didSendRequest(task: HTTPClient.Task<Answer>) {
    state.withLock { $0.sentAt = .now() }
  }

  func didReceiveHead(task: HTTPClient.Task<Answer>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
    state.withLock { $0.head = head }
    return task.eventLoop.makeSucceededVoidFuture()
  }

  func didReceiveBodyPart(task: HTTPClient.Task<Answer>, _ buffer: ByteBuffer) -> EventLoopFuture<Void> {
    let (isTooLarge, isTooLate) = state.withLock { state in
      if state.body == nil {
        state.body = buffer
      } else {
        var part = buffer
        state.body?.writeBuffer(&part)
      }
      return ((state.body?.readableBytes ?? 0) > limit, state.sentAt.map { .now() > $0 + patience } ?? false)
    }
    if isTooLate { return task.eventLoop.makeFailedFuture(TooLate()) }
    if isTooLarge { return task.eventLoop.makeFailedFuture(TooLarge(limit: limit)) }
    return task.eventLoop.makeSucceededVoidFuture()
  }

  func didFinishRequest(task: HTTPClient.Task<Answer>) throws -> Answer {
    try state.withLock { state in
      guard let head = state.head else { throw HTTPClientError.remoteConnectionClosed }
      return Answer(
        status: Int(head.status.code), headers: head.headers, body: state.body.map { Array($0.readableBytesView) } ?? []
      )
    }
  }
}

/// An answer that takes too long to be whole.
struct TooLate: Error {}

/// An answer that is larger than any real one.
struct TooLarge: Error, CustomStringConvertible {
  let limit: Int
  var description: String { "the answer is larger than \(limit) bytes" }
}
