import NIOCore
import NIOHTTP1

/// One connection to a ``WebhookReceiver``, and the one request that it is for. Nothing of the request goes to a log.
final class CallbackHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private enum Phase {
    case awaitingHead, asking, receiving, telling, answered, gone
  }

  private let limits: WebhookReceiver.Limits
  private let gate: HeadGate
  private let room: BodyRoom
  private let sink: any CallbackSink
  private var phase = Phase.awaitingHead
  private var head: HTTPRequestHead?
  private var body = ByteBuffer()
  private var isWhole = false
  private var holdsRoom = false
  private var timers: [Scheduled<Void>] = []

  init(_ limits: WebhookReceiver.Limits, _ gate: HeadGate, _ room: BodyRoom, _ sink: any CallbackSink) {
    self.limits = limits
    self.gate = gate
    self.room = room
    self.sink = sink
  }

  // MARK: The connection

  func channelActive(context: ChannelHandlerContext) {
    let loop = context.eventLoop.assumeIsolated()
    timers = [
      loop.scheduleTask(in: limits.headTime) { if self.phase == .awaitingHead { self.close(context) } },
      loop.scheduleTask(in: limits.wholeTime) { self.close(context) },
    ]
    context.fireChannelActive()
    context.read()
  }

  func channelInactive(context: ChannelHandlerContext) {
    leave(.gone)
    context.fireChannelInactive()
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    if phase == .awaitingHead || phase == .receiving { context.read() }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case ChannelEvent.inputClosed = event, phase == .awaitingHead || phase == .receiving || phase == .answered {
      close(context)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // A client that is broken, or gone: nothing to report, and its next bytes have no meaning. After the request there
    // may be anything.
    if !isWhole { close(context) }
  }

  private func close(_ context: ChannelHandlerContext) {
    guard phase != .gone else { return }
    leave(.gone)
    context.close(promise: nil)
  }

  // Gives up what the request holds.
  private func leave(_ phase: Phase) {
    self.phase = phase
    stopTimers()
    body = ByteBuffer()
    if holdsRoom { room.leave() }
    holdsRoom = false
  }

  private func stopTimers() {
    for timer in timers { timer.cancel() }
    timers = []
  }

  // MARK: The request

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    // Whatever comes after the first request is not looked at.
    guard !isWhole else { return }
    switch (unwrapInboundIn(data), phase) {
    case (.head(let head), .awaitingHead): begin(head, context)
    case (.body(let part), .asking), (.body(let part), .receiving): receive(part, context)
    case (.end, .asking): isWhole = true
    case (.end, .receiving): finish(context)
    default: break
    }
  }

  private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    gate.isOpen = true
    guard head.method == .POST, let token = Self.token(of: head.uri) else { return answer(.notFound, context) }
    phase = .asking
    self.head = head
    let known = context.eventLoop.makePromise(of: Bool.self)
    known.completeWithTask { [sink] in await sink.knows(token) }
    known.futureResult.assumeIsolated().whenSuccess { isKnown in
      guard self.phase == .asking else { return }
      isKnown ? self.welcome(head, context) : self.answer(.notFound, context)
    }
  }

  private func welcome(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    // Several lengths, or one that is no number, have not passed the decoder.
    let announced = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
    phase = .receiving
    guard admits(max(announced, body.readableBytes), context) else { return }
    if isWhole { return finish(context) }
    if head.version != .http1_0, head.version != .http0_9, body.readableBytes == 0,
      head.headers[canonicalForm: "expect"].contains(where: { $0.lowercased() == "100-continue" })
    {
      let goOn = HTTPResponseHead(version: .http1_1, status: .continue)
      context.writeAndFlush(wrapOutboundOut(.head(goOn)), promise: nil)
    }
    context.read()
  }

  private func receive(_ part: ByteBuffer, _ context: ChannelHandlerContext) {
    var part = part
    // While the sink is asked, this is what one read brought along.
    guard phase == .asking || admits(body.readableBytes + part.readableBytes, context) else { return }
    body.writeBuffer(&part)
  }

  /// Whether there is room for so large a body; if not, says so to the client.
  private func admits(_ size: Int, _ context: ChannelHandlerContext) -> Bool {
    if size > limits.body {
      answer(.payloadTooLarge, context)
      return false
    }
    if size <= limits.smallBody || holdsRoom { return true }
    holdsRoom = room.enter()
    if !holdsRoom { answer(.serviceUnavailable, retryAfter: 5, context) }
    return holdsRoom
  }

  private func finish(_ context: ChannelHandlerContext) {
    isWhole = true
    let taskID = body.withUnsafeReadableBytes { CallbackBody.taskID(in: $0) }
    leave(.telling)
    guard let taskID, let token = head.flatMap({ Self.token(of: $0.uri) }) else { return answer(.badRequest, context) }
    let kept = context.eventLoop.makePromise(of: Bool.self)
    kept.completeWithTask { [sink] in await sink.received(token, taskID: taskID) }
    kept.futureResult.assumeIsolated().whenSuccess { isDurable in
      guard self.phase == .telling else { return }
      if isDurable {
        self.answer(.ok, body: #"{"code":0,"message":"ok"}"#, context)
      } else {
        self.answer(.serviceUnavailable, retryAfter: 30, context)
      }
    }
  }

  /// The token of `/callback/TOKEN`; nil for any other path.
  static func token(of uri: String) -> String? {
    let prefix = "/callback/"
    guard uri.utf8.starts(with: prefix.utf8) else { return nil }
    let token = uri.utf8.dropFirst(prefix.utf8.count)
    guard (43...64).contains(token.count),
      token.allSatisfy({
        WebhookReceiver.isLetterOrDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
      })
    else { return nil }
    return String(token)
  }

  // MARK: The answer

  private func answer(
    _ status: HTTPResponseStatus, retryAfter: Int? = nil, body text: String = "", _ context: ChannelHandlerContext
  ) {
    leave(.answered)
    var headers: HTTPHeaders = ["Content-Length": "\(text.utf8.count)", "Connection": "close"]
    if !text.isEmpty { headers.add(name: "Content-Type", value: "application/json") }
    if let retryAfter { headers.add(name: "Retry-After", value: "\(retryAfter)") }
    context.write(wrapOutboundOut(.head(.init(version: .http1_1, status: status, headers: headers))), promise: nil)
    if !text.isEmpty { context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil) }
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    // To close with bytes unread would reset the connection, and the client could lose the answer: it gets the end of
    // the stream first, and a moment to see it. Nothing more is read meanwhile.
    context.close(mode: .output, promise: nil)
    timers = [context.eventLoop.assumeIsolated().scheduleTask(in: limits.lingerTime) { self.close(context) }]
  }
}
