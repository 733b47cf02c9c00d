import NIOCore
import NIOHTTP1

/// The HTTP client. Everything happens on one event loop: whoever calls from there changes no thread.
final class Connections: Sendable {
  private let loop: any EventLoop
  private let pools: NIOLoopBoundBox<ConnectionPools>

  /// Nothing is connected before the first request.
  init(_ limits: ConnectionPools.Limits, _ settings: Connector.Settings, on loop: any EventLoop) {
    self.loop = loop
    pools = NIOLoopBoundBox.makeBoxSendingValue(
      ConnectionPools(limits, Connector(settings, on: loop), on: loop), eventLoop: loop)
  }

  /// How many connections are idle.
  func idleCount() async throws -> Int {
    try await loop.submit { self.pools.value.idleCount }.get()
  }

  /// Ends all requests and all connections.
  func shutDown() async throws { try await loop.submit { self.pools.value.shutDown() }.get() }

  /// Sends a request, and keeps its answer in memory. Cancelling the task ends what has no permit or was not sent yet; a
  /// submission that may have left is waited for, for its answer is paid for.
  ///
  /// `isolation`: where it runs. A closure keeps to its caller's executor only where it names it, and one that does not
  /// would leave the loop for the others' executor and come back.
  func answer(
    to request: Outgoing, limit: Int, budget: AnswerBudget, isolation: isolated (any Actor)? = #isolation
  ) async throws -> Exchange.Answer {
    let ticket = newTicket()
    return try await withTaskCancellationHandler {
      _ = isolation
      return try await withCheckedThrowingContinuation { continuation in
        // On the loop nothing is captured: a closure would copy the request.
        if loop.inEventLoop {
          return begin(request, AnswerCollector(limit: limit, budget: budget, continuation), ticket)
        }
        loop.execute {
          self.begin(request, AnswerCollector(limit: limit, budget: budget, continuation), ticket)
        }
      }
    } onCancel: {
      cancel(ticket)
    }
  }

  /// Sends a request. The body of its answer is taken part by part from what is returned, which has to be ended.
  func open(_ request: Outgoing, isolation: isolated (any Actor)? = #isolation) async throws -> Download {
    let ticket = newTicket()
    let head = try await withTaskCancellationHandler {
      _ = isolation
      return try await withCheckedThrowingContinuation { continuation in
        if loop.inEventLoop { return begin(request, BodyStream(continuation), ticket) }
        loop.execute { self.begin(request, BodyStream(continuation), ticket) }
      }
    } onCancel: {
      cancel(ticket)
    }
    return Download(head: head, connections: self, ticket: ticket)
  }

  private func begin(_ request: Outgoing, _ stream: BodyStream, _ ticket: Ticket) {
    ticket.value.stream = stream
    begin(request, stream as any AnswerReceiver, ticket)
  }

  private func begin(_ request: Outgoing, _ receiver: any AnswerReceiver, _ ticket: Ticket) {
    let pools = pools.value
    let exchange = Exchange(request, receiver, in: pools)
    ticket.value.exchange = exchange
    if ticket.value.isCancelled { exchange.end(ConnectionTrouble.stopped) } else { pools.start(exchange) }
  }

  fileprivate func cancel(_ ticket: Ticket) {
    onLoop { pools in
      ticket.value.isCancelled = true
      guard let exchange = ticket.value.exchange, !exchange.hasEnded else { return }
      if exchange.isSubmission, exchange.connection != nil { return }
      pools.abort(exchange, .stopped)
    }
  }

  fileprivate func onLoop(_ body: @escaping @Sendable (ConnectionPools) -> Void) {
    if loop.inEventLoop { body(pools.value) } else { loop.execute { body(self.pools.value) } }
  }

  fileprivate var isHere: Bool { loop.inEventLoop }

  private func newTicket() -> Ticket { .makeBoxSendingValue(TicketState(), eventLoop: loop) }
}

/// What ties a task to its request. On the event loop only.
private typealias Ticket = NIOLoopBoundBox<TicketState>

private struct TicketState {
  var exchange: Exchange?
  var stream: BodyStream?
  var isCancelled = false
}

/// An answer whose body is taken part by part.
struct Download: Sendable {
  let head: HTTPResponseHead
  fileprivate let connections: Connections
  fileprivate let ticket: Ticket

  /// What is there already: a part, or nil for the end. Nothing: `next` waits for it.
  func taken() -> Result<ByteBuffer?, any Error>? { connections.isHere ? ticket.value.stream?.take() : nil }

  /// The next part of the body; nil: that was all. For one task at a time.
  func next(isolation: isolated (any Actor)? = #isolation) async throws -> ByteBuffer? {
    return try await withTaskCancellationHandler {
      _ = isolation
      return try await withCheckedThrowingContinuation { continuation in
        connections.onLoop { [ticket] _ in
          ticket.value.stream?.wait(for: continuation, resume: ticket.value.exchange)
        }
      }
    } onCancel: {
      connections.cancel(ticket)
    }
  }

  /// Nothing more of it is wanted.
  func end() { connections.cancel(ticket) }
}
