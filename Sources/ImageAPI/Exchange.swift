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
    var head: HTTPResponseHead?
    var body: ByteBuffer?
  }
  private let state = Mutex(State())
  private let limit: Int

  private init(limit: Int) { self.limit = limit }

  /// Performs a request. Answers larger than `limit` bytes are an error. Throws `Broken`.
  static func perform(
    _ request: HTTPClient.Request, with client: HTTPClient, limit: Int, deadline: NIODeadline?
  ) async throws(Broken) -> Answer {
    let exchange = Exchange(limit: limit)
    do {
      return try await client.execute(request: request, delegate: exchange, deadline: deadline).get()
    } catch {
      throw Broken(mayHaveBeenSent: exchange.state.withLock { $0.mayHaveBeenSent }, underlying: error)
    }
  }

  func didSendRequestHead(task: HTTPClient.Task<Answer>, _ head: HTTPRequestHead) {
    state.withLock { $0.mayHaveBeenSent = true }
  }

  func didReceiveHead(task: HTTPClient.Task<Answer>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
    state.withLock { $0.head = head }
    return task.eventLoop.makeSucceededVoidFuture()
  }

  func didReceiveBodyPart(task: HTTPClient.Task<Answer>, _ buffer: ByteBuffer) -> EventLoopFuture<Void> {
    let isTooLarge = state.withLock { state in
      if state.body == nil {
        state.body = buffer
      } else {
        var part = buffer
        state.body?.writeBuffer(&part)
      }
      return (state.body?.readableBytes ?? 0) > limit
    }
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

/// An answer that is larger than any real one.
struct TooLarge: Error, CustomStringConvertible {
  let limit: Int
  var description: String { "the answer is larger than \(limit) bytes" }
}
