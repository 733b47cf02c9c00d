import Foundation
import NIOCore
import NIOHTTP1

/// Gathers one request at a time and hands it to the service; pipelining is sorted out before it gets here.
final class HTTPHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let service: Service
  private var head: HTTPRequestHead?
  private var body = ByteBuffer()
  private var received = 0
  private var wantsBody = false

  /// A body beyond the limit is read to its end so that the 413 arrives, but not for ever.
  private static let drainLimit = 1 << 30

  init(_ service: Service) { self.service = service }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): begin(head, context)
    case .body(let part): receive(part, context)
    case .end: end(context)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // A client that resets its connection is nothing to report: half of the tests do it on purpose.
    context.close(promise: nil)
  }

  private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    if let fault = service.earlyReset(head) {
      deliver(Reply.ending(.reset).applying(fault), to: head, context)
      return
    }
    self.head = head
    received = 0
    body = ByteBuffer()
    wantsBody = service.wantsBody(head)
    guard wantsBody, head.headers.contains(name: "Expect") else { return }
    // Also for a body that is too large: it is drained, for an answer sent into it could be lost to a reset.
    context.writeAndFlush(
      wrapOutboundOut(.head(HTTPResponseHead(version: head.version, status: .continue))), promise: nil)
  }

  private func receive(_ part: ByteBuffer, _ context: ChannelHandlerContext) {
    received += part.readableBytes
    if received > Self.drainLimit {
      head = nil
      context.close(promise: nil)
    } else if wantsBody, received <= service.options.maximumBody {
      if body.readableBytes == 0 {
        body = part
      } else {
        var part = part
        body.writeBuffer(&part)
      }
    } else {
      body = ByteBuffer()
    }
  }

  private func end(_ context: ChannelHandlerContext) {
    guard let head else { return }
    self.head = nil
    let request = Request(
      head, body: body, isTooLarge: wantsBody && received > service.options.maximumBody, channel: context.channel)
    body = ByteBuffer()
    switch service.answer(request) {
    case .now(let reply): respond(reply, to: head, context)
    case .later(let future):
      future.assumeIsolated().whenComplete { result in
        switch result {
        case .success(let reply): self.respond(reply, to: head, context)
        case .failure(let error):
          self.respond(.json(Envelope.error("\(error)"), status: 500), to: head, context)
        }
      }
    }
  }

  private func respond(_ reply: Reply, to head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    if reply.delay == 0 {
      deliver(reply, to: head, context)
    } else {
      context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(reply.delay))) {
        self.deliver(reply, to: head, context)
      }
    }
  }

  private func deliver(_ reply: Reply, to head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    let isOpen = context.channel.isActive
    if let log = service.options.log { log(Self.line(reply, head, isOpen: isOpen)) }
    guard isOpen else { return }
    switch reply.ending {
    case .hang: return
    case .close: context.close(promise: nil)
    case .reset: reset(context)
    case .answer:
      if let number = reply.ledgerNumber {
        service.state.withLock { $0.ledger.answered(number, status: reply.status) }
      }
      ResponseWriter(handler: self, context: context).write(reply, to: head)
    }
  }

  /// Closes with RST instead of FIN: lingering for no time throws away what is unsent.
  private func reset(_ context: ChannelHandlerContext) {
    guard let socket = context.channel as? any SocketOptionProvider else {
      context.close(promise: nil)
      return
    }
    socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).assumeIsolated().whenComplete { _ in
      context.close(promise: nil)
    }
  }

  private static func line(_ reply: Reply, _ head: HTTPRequestHead, isOpen: Bool) -> String {
    let path = head.uri.prefix { $0 != "?" }
    let outcome =
      switch reply.ending {
      case .answer: isOpen ? "\(reply.status)" : "client gone"
      case .close: "closed"
      case .reset: "reset"
      case .hang: "no answer"
      }
    return "\(head.method.rawValue) \(path) \(outcome) \(reply.taskID ?? "-")"
      + (reply.faults.isEmpty ? "" : " fault=" + reply.faults.map(\.spelling).joined(separator: ","))
  }
}
