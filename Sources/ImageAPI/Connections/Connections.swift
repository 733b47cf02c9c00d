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
    let ticket = Ticket(on: loop)
    return try await withTaskCancellationHandler {
      _ = isolation
      return try await withCheckedThrowingContinuation { continuation in
        begin(request, ticket) { _ in
          AnswerCollector(limit: limit, budget: budget, continuation)
        }
      }
    } onCancel: {
      cancel(ticket)
    }
  }

  /// Sends a request. The body of its answer is taken part by part from what is returned, which has to be ended.
  func open(_ request: Outgoing, isolation: isolated (any Actor)? = #isolation) async throws -> Download {
    let ticket = Ticket(on: loop)
    let head = try await withTaskCancellationHandler {
      _ = isolation
      return try await withCheckedThrowingContinuation { continuation in
        begin(request, ticket) { ticket in
          let stream = BodyStream(continuation)
          ticket.stream = stream
          return stream
        }
      }
    } onCancel: {
      cancel(ticket)
    }
    return Download(head: head, connections: self, ticket: ticket)
  }

  private func begin(
    _ request: Outgoing, _ ticket: Ticket, receiver: @escaping @Sendable (inout Ticket.State) -> any AnswerReceiver
  ) {
    guard !loop.inEventLoop else { return Self.begin(request, ticket, receiver, pools.value) }
    loop.execute { Self.begin(request, ticket, receiver, self.pools.value) }
  }

  private static func begin(
    _ request: Outgoing, _ ticket: Ticket, _ receiver: (inout Ticket.State) -> any AnswerReceiver,
    _ pools: ConnectionPools
  ) {
    let receiver = receiver(&ticket.state)
    let exchange = Exchange(request, receiver, in: pools)
    ticket.state.exchange = exchange
    if ticket.state.isCancelled { exchange.end(ConnectionTrouble.stopped) } else { pools.start(exchange) }
  }

  fileprivate func cancel(_ ticket: Ticket) {
    onLoop { pools in
      ticket.state.isCancelled = true
      guard let exchange = ticket.state.exchange, !exchange.hasEnded else { return }
      if exchange.isSubmission, exchange.connection != nil { return }
      pools.abort(exchange, .stopped)
    }
  }

  fileprivate func onLoop(_ body: @escaping @Sendable (ConnectionPools) -> Void) {
    if loop.inEventLoop { body(pools.value) } else { loop.execute { body(self.pools.value) } }
  }

  fileprivate var isHere: Bool { loop.inEventLoop }
}

/// What ties a task to its request, which lives on the event loop.
final class Ticket: Sendable {
  struct State {
    var exchange: Exchange?
    var stream: BodyStream?
    var isCancelled = false
  }
  private let box: NIOLoopBoundBox<State>

  init(on loop: any EventLoop) { box = NIOLoopBoundBox.makeBoxSendingValue(State(), eventLoop: loop) }

  /// On the event loop only.
  var state: State {
    get { box.value }
    set { box.value = newValue }
  }
}

/// An answer whose body is taken part by part.
struct Download: Sendable {
  let head: HTTPResponseHead
  fileprivate let connections: Connections
  fileprivate let ticket: Ticket

  /// The next part of the body; nil: that was all. For one task at a time.
  func next(isolation: isolated (any Actor)? = #isolation) async throws -> ByteBuffer? {
    if connections.isHere, let taken = ticket.state.stream?.take() { return try taken.get() }
    return try await withTaskCancellationHandler {
      _ = isolation
      return try await withCheckedThrowingContinuation { continuation in
        connections.onLoop { [ticket] _ in
          ticket.state.stream?.wait(for: continuation, resume: ticket.state.exchange)
        }
      }
    } onCancel: {
      connections.cancel(ticket)
    }
  }

  /// Nothing more of it is wanted.
  func end() { connections.cancel(ticket) }
}
