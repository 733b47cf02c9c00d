import NIOCore
import NIOHTTP1
import NIOPosix

/// Tells `callback_url` about a final task: a few tries, then silence.
extension Service {
  static let webhookTries = 3

  func scheduleWebhook(_ callback: String, taskID: String, authority: String) {
    guard let target = WebhookTarget(callback) else {
      options.log?("WEBHOOK \(taskID) not sent: only http:// callback URLs are served")
      return
    }
    // Not before the answer to the submit is on its way.
    let delay = max(TimeAmount(options.statusDelay), .milliseconds(1))
    eventLoop.scheduleTask(in: delay) { notify(target, taskID: taskID, authority: authority) }
  }

  private func notify(_ target: WebhookTarget, taskID: String, authority: String) {
    let (found, fault) = state.withLock { store -> (TaskView?, Fault?) in
      let found = view(of: taskID, in: &store)
      return (found, found == nil ? nil : store.take(.webhook, task: taskID))
    }
    guard let view = found, fault?.kind != .webhookNone else { return }
    let ready: EventLoopFuture<[ByteBuffer]> =
      view.needsPicture
      ? pictures.pngs(view.picture, count: view.images, on: eventLoop) : eventLoop.makeSucceededFuture([])
    ready.whenComplete { result in
      switch result {
      case .success(let pngs):
        let body = view.notification(authority: authority, pictures: pngs)
        for _ in 0..<(fault?.kind == .webhookTwice ? 2 : 1) { send(body, to: target, taskID: taskID, attempt: 1) }
      case .failure(let error): options.log?("WEBHOOK \(taskID) not sent: \(error)")
      }
    }
  }

  private func send(_ body: ByteBuffer, to target: WebhookTarget, taskID: String, attempt: Int) {
    let report: @Sendable (WebhookOutcome) -> Void = { outcome in
      options.log?("WEBHOOK \(taskID) try \(attempt): \(outcome)")
      if case .status(200..<300) = outcome {
        state.withLock { $0.counters.webhooks += 1 }
      } else if attempt < Self.webhookTries {
        let pause = TimeAmount(options.webhookRetryDelay * attempt)
        eventLoop.scheduleTask(in: pause) { send(body, to: target, taskID: taskID, attempt: attempt + 1) }
      }
    }
    ClientBootstrap(group: eventLoop)
      .connectTimeout(.seconds(2))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHTTPClientHandlers()
          try channel.pipeline.syncOperations.addHandler(WebhookHandler(target, body, report: report))
        }
      }
      .connect(host: target.host, port: target.port)
      .whenFailure { report(.failed("\($0)")) }
  }
}

/// What became of one try.
enum WebhookOutcome: Sendable, CustomStringConvertible {
  case status(UInt)
  case failed(String)

  var description: String {
    switch self {
    case .status(let code): "answered \(code)"
    case .failed(let reason): reason
    }
  }
}

/// One POST on one connection.
private final class WebhookHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundOut = HTTPClientRequestPart

  private let target: WebhookTarget
  private let body: ByteBuffer
  private var report: (@Sendable (WebhookOutcome) -> Void)?

  init(_ target: WebhookTarget, _ body: ByteBuffer, report: @escaping @Sendable (WebhookOutcome) -> Void) {
    self.target = target
    self.body = body
    self.report = report
  }

  func channelActive(context: ChannelHandlerContext) {
    let headers: HTTPHeaders = [
      "Host": target.authority, "Content-Type": ContentType.json, "Content-Length": "\(body.readableBytes)",
      "Connection": "close",
    ]
    let head = HTTPRequestHead(version: .http1_1, method: .POST, uri: target.path, headers: headers)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    // A receiver that does not answer has had its try.
    context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(3)) {
      self.finish(.failed("no answer within 3 s"), context)
    }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if case .head(let head) = unwrapInboundIn(data), head.status.code >= 200 {
      finish(.status(head.status.code), context)
    }
  }

  func channelInactive(context: ChannelHandlerContext) { finish(.failed("closed without an answer"), context) }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { finish(.failed("\(error)"), context) }

  private func finish(_ outcome: WebhookOutcome, _ context: ChannelHandlerContext) {
    guard let report else { return }
    self.report = nil
    context.close(promise: nil)
    report(outcome)
  }
}
