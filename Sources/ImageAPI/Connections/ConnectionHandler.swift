import Glibc
import NIOCore
import NIOHTTP1

/// The end of a connection's pipeline: sends one request after the other, and hands their answers on. It carries out what
/// `ExchangeMachine` says.
final class ConnectionHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundOut = ByteBuffer

  private let pool: Pool
  // Nil: the channel has none, as in a test.
  private let socket: NIOBSDSocket.Handle?
  private let decoder = AnswerDecoder.limited()
  private var machine = ExchangeMachine()
  private var context: ChannelHandlerContext?
  private var exchange: Exchange?
  private var upload = Upload()
  // The room that requests are written into, one after the other.
  private var room = ByteBuffer()
  private var isPaused = false
  /// Whether the pool counts it: as working with an exchange or its leftovers, else as idle.
  private var standing = Standing.idle
  /// Whether it was used or idle before, so that its end says nothing about the server.
  private(set) var isReused = false
  /// For how long the server said that it keeps the connection; nil: it said nothing.
  private var announced: KeepAlive?

  private enum Standing { case idle, working, gone }

  /// Room for the head of a request and a short body, in bytes; and the most that is kept when nothing is sent.
  private static let usualRoom = 1024
  private static let mostRoom = 8192

  /// How much of a request has gone where.
  private struct Upload {
    /// Bytes handed to the socket.
    var passed = 0
    /// Bytes that the socket had not taken when this was looked at.
    var seen: (passed: Int, waiting: Int)?
    var isWriting = false
    var isWhole = false
  }

  private init(pool: Pool, socket: NIOBSDSocket.Handle?) {
    self.pool = pool
    self.socket = socket
  }

  /// Puts HTTP/1 and this handler at the end of a channel's pipeline.
  static func install(on channel: any Channel, pool: Pool) throws -> ConnectionHandler {
    let pipeline = channel.pipeline.syncOperations
    let socket = try pipeline.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { $0 }
    let handler = ConnectionHandler(pool: pool, socket: socket)
    try pipeline.addHandler(ByteToMessageHandler(AnswerDecoder(handler.decoder, for: handler)))
    try pipeline.addHandler(handler)
    return handler
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }
  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  // MARK: for the pool

  /// Whether a submission could be lost on it: the server has ended it, or says something that nobody asked for.
  enum Pulse { case quiet, ended }

  /// Looks at the socket itself: what lies there was not read yet, and so nobody knows of it.
  var pulse: Pulse {
    // On the event loop an active channel has its socket open: both end in one step that calls nobody in between.
    guard let channel = context?.channel, channel.isActive, !machine.isClosed else { return .ended }
    guard let socket else { return .quiet }
    var byte: UInt8 = 0
    let count = recv(socket, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
    if count < 0 { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? .quiet : .ended }
    // With the end of TLS's handshake come its tickets.
    return count > 0 && !isReused && pool.destination.isSecure ? .quiet : .ended
  }

  /// It was made, and nobody may want it yet.
  func rests() { if standing == .idle { isReused = true } }

  /// For how long it is kept, and for how long a submission may go on it.
  func terms(_ limits: ConnectionPools.Limits) -> (freshUntil: NIODeadline, until: NIODeadline) {
    let now = NIODeadline.now()
    guard let announced else { return (now + limits.freshTime, now + limits.idleTime) }
    let time = min(announced.time, limits.idleTime)
    return (now + time, now + time)
  }

  /// Sends a request. The connection is idle, and was found quiet where that matters.
  func begin(_ exchange: Exchange) {
    standing = .working
    guard let context, machine.begin() else {
      exchange.end(ConnectionTrouble.closed)
      return leave()
    }
    self.exchange = exchange
    upload = Upload()
    exchange.began(on: self, stall: pool.limits.stallTime)
    decoder.write(data: AnswerDecoder.anyRequest)
    room.clear(minimumCapacity: Self.usualRoom)
    exchange.request.head.write(to: &room)
    // The head goes out with the body's beginning, in one call of the socket.
    exchange.body?.next(into: &room)
    let beginning = room
    if beginning.storageCapacity > Self.mostRoom { room = ByteBuffer() }
    guard exchange.body != nil else {
      context.writeAndFlush(wrapOutboundOut(beginning), promise: nil)
      // What is lost of a request that nobody pays for is missed by the time for its answer.
      return requestSent(exchange)
    }
    send(exchange, context, beginning)
  }

  /// Ends an idle connection, or one that was just given and carries nothing: the pool does not count it any more.
  func dismiss() {
    standing = .gone
    _ = machine.ended(.stopped)
    context?.close(promise: nil)
  }

  // MARK: for its exchange

  /// Ends the exchange and the connection.
  func abort(_ why: ConnectionTrouble) { act(machine.ended(why)) }

  /// Whether all of the request has gone out.
  var hasSent: Bool { upload.isWhole }

  /// Whether the other side has taken anything of the request since this was asked before.
  func hasProgressed() -> Bool {
    // A channel that cannot tell has gone.
    guard let waiting = try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes) else { return false }
    defer { upload.seen = (upload.passed, waiting) }
    guard waiting > 0, let seen = upload.seen else { return true }
    return seen != (upload.passed, waiting)
  }

  func resumeReading() {
    guard isPaused else { return }
    isPaused = false
    setReading(true)
  }

  private func setReading(_ isOn: Bool) {
    do { try context?.channel.syncOptions?.setOption(.autoRead, value: isOn) } catch {
      // Only a closed channel cannot be set, and that one reads nothing.
    }
  }

  // MARK: out

  // What is left of the body, after `beginning`, which is sent in any case.
  private func send(_ exchange: Exchange, _ context: ChannelHandlerContext, _ beginning: ByteBuffer? = nil) {
    // What is written may make the channel writable at once.
    guard !upload.isWriting else { return }
    upload.isWriting = true
    defer { upload.isWriting = false }
    var beginning = beginning
    while self.exchange === exchange {
      guard let piece = beginning.take() ?? (context.channel.isWritable ? exchange.body?.next() : nil) else { return }
      upload.passed += piece.readableBytes
      if exchange.body?.isAtEnd == true {
        exchange.body = nil
        return sendLast(piece, of: exchange, context)
      }
      context.writeAndFlush(wrapOutboundOut(piece), promise: nil)
    }
  }

  private func sendLast(_ piece: ByteBuffer, of exchange: Exchange, _ context: ChannelHandlerContext) {
    let promise = context.eventLoop.makePromise(of: Void.self)
    promise.futureResult.assumeIsolated().whenComplete { result in
      switch result {
      case .success: self.requestSent(exchange)
      // It was not whole, and nothing else would say so: the channel need not have closed. Whether a part of it arrived
      // is not known.
      case .failure(let error): if self.exchange === exchange { self.abort(ConnectionTrouble(error)) }
      }
    }
    // The length stands in the head, so that the body's last byte is the request's.
    context.writeAndFlush(wrapOutboundOut(piece), promise: promise)
  }

  private func requestSent(_ exchange: Exchange) {
    guard self.exchange === exchange else { return }
    upload.isWhole = true
    machine.sent()
    exchange.sent()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if let exchange, exchange.body != nil { send(exchange, context) }
    context.fireChannelWritabilityChanged()
  }

  // MARK: in

  /// Whether an answer is expected, or is on its way.
  var isWorking: Bool { machine.isWorking }

  /// Something was read that belongs to no answer.
  func receivedUnasked() { act(machine.received(.body)) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      let action = machine.received(.head(status: Int(head.status.code), isKept: head.isKeepAlive))
      guard action == .deliver else { return act(action) }
      announced = KeepAlive(head.headers)
      if announced?.isOver == true { machine.isLast() }
      deliver { try $0.received(head) }
    case .body(let part):
      let action = machine.received(.body)
      guard action == .deliver else { return act(action) }
      deliver { exchange in
        if try !exchange.received(part), !isPaused {
          isPaused = true
          setReading(false)
        }
      }
    case .end: act(machine.received(.end))
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    act(machine.burstEnded())
    context.fireChannelReadComplete()
  }

  func channelInactive(context: ChannelHandlerContext) {
    act(machine.ended(.closed))
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // An end without TLS's own goodbye: whether the answer was whole, its length tells.
    if ConnectionTrouble.isEndWithoutGoodbye(error) { return }
    act(machine.ended(ConnectionTrouble(error)))
  }

  private func deliver(_ part: (Exchange) throws -> Void) {
    guard let exchange else { return }
    do { try part(exchange) } catch {
      self.exchange = nil
      exchange.end(error)
      act(machine.ended(.stopped))
    }
  }

  private func act(_ action: ExchangeMachine.Action) {
    switch action {
    case .nothing, .deliver: break
    case .complete:
      let ended = exchange
      exchange = nil
      isReused = true
      ended?.end(nil)
    case .release:
      if isPaused { resumeReading() }
      standing = .idle
      pool.released(self)
    case .close: leave()
    case .fail(let why):
      let failed = exchange
      exchange = nil
      failed?.end(why)
      leave()
    }
  }

  // The pool learns of it once, and then the channel is closed.
  private func leave() {
    let was = standing
    standing = .gone
    context?.close(promise: nil)
    switch was {
    case .idle: pool.idleEnded(self)
    case .working: pool.workingEnded()
    case .gone: break
    }
  }
}
