import NIOCore
import NIOSSL
import NIOTLS

/// Stands at the end of a new connection's pipeline until HTTP can be spoken: the proxy has connected, TLS is up, and its
/// certificate is for the host. Nothing of a request can leave before.
final class SetupHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  static let http1 = "http/1.1"

  /// The proxy has connected.
  struct ProxyConnected {}

  private let host: String
  // TLS to be set up once the proxy has connected.
  private let context: NIOSSLContext?
  private var ready: EventLoopPromise<Void>?
  private var outcome: EventLoopFuture<Void>?

  init(_ host: String, _ context: NIOSSLContext?) {
    self.host = host
    self.context = context
  }

  /// TLS for a host. Its certificate's chain is checked there, its name here.
  static func tls(_ context: NIOSSLContext, _ host: String) throws -> NIOSSLClientHandler {
    try NIOSSLClientHandler(context: context, serverHostname: HostCheck.serverName(host))
  }

  /// When the channel is set up.
  static func ready(_ channel: any Channel) -> EventLoopFuture<Void> {
    do {
      let handler = try channel.pipeline.syncOperations.handler(type: SetupHandler.self)
      return handler.outcome ?? channel.eventLoop.makeFailedFuture(ConnectionTrouble.closed)
    } catch {
      // The pipeline was taken down already.
      return channel.eventLoop.makeFailedFuture(ConnectionTrouble.closed)
    }
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let promise = context.eventLoop.makePromise(of: Void.self)
    (ready, outcome) = (promise, promise.futureResult)
  }

  func handlerRemoved(context: ChannelHandlerContext) { end(.closed) }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case is ProxyConnected:
      guard let tls = self.context else { return succeed(context) }
      do {
        try context.pipeline.syncOperations.addHandler(Self.tls(tls, host), position: .before(self))
      } catch {
        fail(ConnectionTrouble(error), context)
      }
    case TLSUserEvent.handshakeCompleted(let name):
      if let why = objection(name, context) { fail(why, context) } else { succeed(context) }
    default: context.fireUserInboundEventTriggered(event)
    }
  }

  private func objection(_ name: String?, _ context: ChannelHandlerContext) -> ConnectionTrouble? {
    if let name, name != Self.http1 { return .wrongProtocol(name) }
    do {
      let handler = try context.pipeline.syncOperations.handler(type: NIOSSLClientHandler.self)
      guard let certificate = handler.peerCertificate else { return .tls("there is no certificate") }
      let names = certificate._subjectAlternativeNames().map { name in
        HostCheck.Name(kind: .init(name.nameType), bytes: Array(name.contents))
      }
      return HostCheck.isFor(host, names) ? nil : .wrongHost(host)
    } catch {
      return .tls("\(error)")
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { fail(ConnectionTrouble(error), context) }

  func channelInactive(context: ChannelHandlerContext) {
    end(.closed)
    context.fireChannelInactive()
  }

  private func fail(_ why: ConnectionTrouble, _ context: ChannelHandlerContext) {
    end(why)
    context.close(promise: nil)
  }

  private func succeed(_ context: ChannelHandlerContext) {
    let ready = ready
    self.ready = nil
    context.pipeline.syncOperations.removeHandler(self, promise: nil)
    ready?.succeed()
  }

  private func end(_ why: ConnectionTrouble) {
    ready?.fail(why)
    ready = nil
  }
}
