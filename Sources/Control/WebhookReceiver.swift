import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Who knows which callback addresses were given out, and keeps what comes to them.
public protocol CallbackSink: Sendable {
  /// Whether a callback address with this token was given out.
  func knows(_ token: String) async -> Bool
  /// A callback came. True: what it says is durable. False: it cannot be written now.
  func received(_ token: String, taskID: String) async -> Bool
}

/// Receives the service's callbacks over HTTP: `POST /callback/TOKEN`, with a token of 43 to 64 characters of
/// `[A-Za-z0-9_-]` that the sink knows. To anything else it answers 404, without reading a body.
///
/// Answers, each of which ends its connection: 200 once the sink has written it down; 400 without a task id (see
/// ``CallbackBody``); 404; 413 beyond 16 MiB; 503 with `Retry-After` while the sink cannot write, or while too many large
/// bodies are in memory. It speaks no TLS: that is a reverse proxy's part.
public final class WebhookReceiver: Sendable {
  struct Limits: Sendable {
    /// From the connection to the end of the header fields.
    var headTime = TimeAmount.seconds(10)
    /// From the connection to the end of the body.
    var wholeTime = TimeAmount.seconds(60)
    /// For a client to take its answer and close.
    var lingerTime = TimeAmount.seconds(1)
    /// Bytes of request line and header fields; a read may go beyond by its own size.
    var head = 16_384
    /// Bytes of a body.
    var body = 16 << 20
    /// Bytes up to which a body counts as small. Small ones are as many as there are connections.
    var smallBody = 65_536
    /// How many larger bodies there may be at once.
    var largeBodies = 2
    var connections = 256
  }

  /// The port it listens on.
  public let port: Int
  private let listener: any Channel
  private let connections: Connections

  /// Listens at the address, 0 for any free port. Throws `ControlError.unusable`.
  public convenience init(
    host: String, port: Int, on eventLoops: any EventLoopGroup, sink: any CallbackSink
  ) async throws(ControlError) {
    try await self.init(host: host, port: port, limits: Limits(), on: eventLoops, sink: sink)
  }

  init(
    host: String, port: Int, limits: Limits, on eventLoops: any EventLoopGroup, sink: any CallbackSink
  ) async throws(ControlError) {
    let connections = Connections(limit: limits.connections)
    let room = BodyRoom(limits.largeBodies)
    let bootstrap = ServerBootstrap(group: eventLoops)
      .serverChannelOption(.backlog, value: 256)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      // Nothing is read but what is wanted, and little at a time.
      .childChannelOption(.autoRead, value: false)
      .childChannelOption(.maxMessagesPerRead, value: 1)
      .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 16_384))
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try connections.admit(channel)
          try Self.setUp(channel, limits, room, sink)
        }
      }
    do {
      listener = try await bootstrap.bind(host: host, port: port).get()
    } catch {
      throw .unusable("\(host.contains(":") ? "[\(host)]" : host):\(port)", errorText(error))
    }
    self.port = listener.localAddress?.port ?? port
    self.connections = connections
  }

  private static func setUp(
    _ channel: any Channel, _ limits: Limits, _ room: BodyRoom, _ sink: any CallbackSink
  ) throws {
    var parsing = NIOHTTPDecoderLimitConfiguration()
    parsing.maxHeaderFieldSize = limits.head / 2
    parsing.maxHeaderListSize = limits.head
    parsing.maxHeaderFieldCount = 100
    let gate = HeadGate(limit: limits.head)
    let pipeline = channel.pipeline.syncOperations
    try pipeline.addHandlers([
      gate, HTTPResponseEncoder(), ByteToMessageHandler(HTTPRequestDecoder(limitConfiguration: parsing)),
      CallbackHandler(limits, gate, room, sink),
    ])
  }

  /// Ends listening and closes all connections. What the sink has received and not answered stays the sink's affair.
  public func close() async {
    await listener.closed()
    await connections.close()
  }
}

/// How many large bodies may be in memory over all connections.
final class BodyRoom: Sendable {
  private let free: Mutex<Int>

  init(_ count: Int) { free = Mutex(count) }

  /// Takes a place if there is one.
  func enter() -> Bool {
    free.withLock { free in
      guard free > 0 else { return false }
      free -= 1
      return true
    }
  }

  func leave() { free.withLock { $0 += 1 } }
}

/// Ends a connection whose head grows too large; what it is made of does not matter.
final class HeadGate: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  /// Set once the head is there.
  var isOpen = false
  private let limit: Int
  private var received = 0

  init(limit: Int) { self.limit = limit }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    received += isOpen ? 0 : unwrapInboundIn(data).readableBytes
    context.fireChannelRead(data)
    if !isOpen, received > limit { context.close(promise: nil) }
  }
}
