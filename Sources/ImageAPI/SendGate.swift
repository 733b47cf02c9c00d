import NIOCore
import NIOHTTP1
import Synchronization

/// Stands in each connection between the client and the encoder of its requests: the last place where a submission can
/// still be called off, with the connection, its proxy and its TLS up and no byte of the request encoded.
///
/// A connection does not know whose request it carries, so a request names its permit in a header that ends here. The
/// head of a proxy's CONNECT is written before the gate is there, and carries no permit.
final class SendGate: Sendable {
  static let header = "Promptdrop-Permit"
  private let permits = Mutex<(next: UInt64, open: [String: SendPermit])>((0, [:]))
  private let patience: TimeAmount

  /// `patience`: for how long the other side may take nothing of a request.
  init(patience: TimeAmount) { self.patience = patience }

  /// Registers a permit, until `leave`; returns the header's value.
  func enter(_ permit: SendPermit) -> String {
    permits.withLock { permits in
      permits.next += 1
      permits.open["\(permits.next)"] = permit
      return "\(permits.next)"
    }
  }

  /// Forgets a permit: a head that names it is refused from now on.
  func leave(_ name: String) { permits.withLock { _ = $0.open.removeValue(forKey: name) } }

  /// Puts the gate into a new connection. Where that fails there is no connection, and so no request.
  @Sendable func install(on channel: any Channel) -> EventLoopFuture<Void> {
    channel.eventLoop.makeCompletedFuture {
      let pipeline = channel.pipeline.syncOperations
      let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPResponseDecoder>.self)
      try pipeline.addHandler(SendGateHandler(self, patience: patience), position: .after(decoder))
    }
  }

  fileprivate func lets(_ name: String) -> Bool { permits.withLock { $0.open[name] }?.use() ?? false }
}

private final class SendGateHandler: ChannelDuplexHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundIn = HTTPClientRequestPart
  typealias OutboundOut = HTTPClientRequestPart

  private let gate: SendGate
  private let patience: TimeAmount
  private var isShut = false
  // Bytes of the request that came by so far.
  private var passed = 0
  private var isWhole = false
  private var watch: Scheduled<Void>?

  init(_ gate: SendGate, patience: TimeAmount) {
    self.gate = gate
    self.patience = patience
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    // What follows a refused head goes where it went.
    guard !isShut else {
      promise?.fail(SendRefused())
      return
    }
    let part = unwrapOutboundIn(data)
    switch part {
    case .body(let bytes): passed += bytes.readableBytes
    case .end: isWhole = true
    case .head: (passed, isWhole) = (0, false)
    }
    guard case .head(var head) = part, let name = head.headers.first(name: SendGate.header) else {
      context.write(data, promise: promise)
      return
    }
    head.headers.remove(name: SendGate.header)
    guard gate.lets(name) else {
      isShut = true
      promise?.fail(SendRefused())
      // The client is in the middle of its write, and takes errors only after it.
      context.eventLoop.assumeIsolated().execute {
        context.fireErrorCaught(SendRefused())
        context.close(promise: nil)
      }
      return
    }
    context.write(wrapOutboundOut(.head(head)), promise: promise)
    lookAgain(context, since: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if case .end = unwrapInboundIn(data) { watch?.cancel() }
    context.fireChannelRead(data)
  }

  func channelInactive(context: ChannelHandlerContext) {
    watch?.cancel()
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) { watch?.cancel() }

  private struct Progress: Equatable {
    var passed: Int
    /// Bytes that the socket has not taken yet.
    var waiting: Int
  }

  // The client's own time limit for writing rests while the socket takes nothing, and that for reading begins with the
  // last byte sent: against a server that accepts and never reads there is only this one.
  private func lookAgain(_ context: ChannelHandlerContext, since before: Progress?) {
    watch?.cancel()
    watch = context.eventLoop.assumeIsolated().scheduleTask(in: patience) {
      // A channel that cannot tell is one that has gone.
      let waiting = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
      let now = Progress(passed: self.passed, waiting: waiting)
      if waiting > 0, now == before {
        context.fireErrorCaught(SendStalled())
        context.close(promise: nil)
      } else if waiting > 0 || !self.isWhole || before == nil {
        self.lookAgain(context, since: now)
      }
    }
  }
}
