import NIOCore

/// Asks a proxy for a connection to a host (CONNECT, RFC 9110 §9.3.6), and goes when there is one. Nothing of a request is
/// in what it says.
final class ProxyConnectHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundOut = ByteBuffer
  private static let mostHead = 65_536

  private let target: String
  private let authorization: String?
  private var head = ByteBuffer()
  private var isOver = false

  init(_ destination: Destination, authorization: String?) {
    let host = destination.host.contains(":") ? "[\(destination.host)]" : destination.host
    target = "\(host):\(destination.port)"
    self.authorization = authorization
  }

  func channelActive(context: ChannelHandlerContext) {
    var text = "CONNECT \(target) HTTP/1.1\r\nHost: \(target)\r\n"
    if let authorization { text += "Proxy-Authorization: \(authorization)\r\n" }
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text + "\r\n")), promise: nil)
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isOver else { return context.fireChannelRead(data) }
    head.writeImmutableBuffer(unwrapInboundIn(data))
    guard let length = Self.lengthOfHead(head.readableBytesView) else {
      if head.readableBytes > Self.mostHead { fail(.proxyGarbled, context) }
      return
    }
    guard let text = head.readString(length: length), let status = Self.status(text) else {
      return fail(.proxyGarbled, context)
    }
    // A 1xx is not the answer yet.
    if (100..<200).contains(status), status != 101 {
      let rest = head
      head = ByteBuffer()
      if rest.readableBytes > 0 { channelRead(context: context, data: wrapInboundOut(rest)) }
      return
    }
    guard (200..<300).contains(status) else { return fail(.proxyRefused(status), context) }
    isOver = true
    context.fireUserInboundEventTriggered(SetupHandler.ProxyConnected())
    // What the host said already belongs to what comes after this.
    if head.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(head)) }
    context.pipeline.syncOperations.removeHandler(self, promise: nil)
  }

  private func fail(_ why: ConnectionTrouble, _ context: ChannelHandlerContext) {
    isOver = true
    context.fireErrorCaught(why)
  }

  static func lengthOfHead(_ bytes: ByteBufferView) -> Int? {
    var line = 0
    for (index, byte) in bytes.enumerated() {
      if byte == 0x0A {
        if line == 0 { return index + 1 }
        line = 0
      } else if byte != 0x0D {
        line += 1
      }
    }
    return nil
  }

  /// The status of an answer's head; nil: it is no HTTP/1.
  static func status(_ head: String) -> Int? {
    let words = head.prefix { $0 != "\r\n" && $0 != "\n" }.split(separator: " ", maxSplits: 2)
    guard words.count >= 2, words[0].hasPrefix("HTTP/1."), words[1].utf8.count == 3, let status = Int(words[1]) else {
      return nil
    }
    return (100...999).contains(status) ? status : nil
  }
}
