import NIOCore
import NIOHTTP1

/// Puts one reply on the wire.
struct ResponseWriter {
  let handler: HTTPHandler
  let context: ChannelHandlerContext

  private static let chunk = 64 << 10

  func write(_ plain: Reply, to head: HTTPRequestHead) {
    let reply = plain.compressed
    var headers = HTTPHeaders()
    headers.reserveCapacity(4)
    headers.add(name: "Content-Type", value: reply.type)
    for (name, value) in reply.headers { headers.add(name: name, value: value) }
    switch reply.body {
    case .whole(let bytes):
      headers.add(name: "Content-Length", value: String(bytes.readableBytes))
      start(reply, head, headers)
      if bytes.readableBytes > 0, head.method != .HEAD {
        context.write(handler.wrapOutboundOut(.body(.byteBuffer(bytes))), promise: nil)
      }
      finish(head)
    case .half(let bytes):
      headers.add(name: "Content-Length", value: String(bytes.readableBytes))
      start(reply, head, headers)
      let half = bytes.getSlice(at: bytes.readerIndex, length: bytes.readableBytes / 2) ?? ByteBuffer()
      closing(context.writeAndFlush(handler.wrapOutboundOut(.body(.byteBuffer(half)))))
    case .stream(let count):
      start(reply, head, headers)
      // What the bytes begin with is a PNG, so that only their number gives them away.
      var bytes = ByteBuffer(bytes: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
      bytes.writeRepeatingByte(0x2A, count: Self.chunk - bytes.readableBytes)
      stream(count, first: bytes, head)
    }
  }

  private func start(_ reply: Reply, _ head: HTTPRequestHead, _ headers: HTTPHeaders) {
    var headers = headers
    if !head.isKeepAlive { headers.add(name: "Connection", value: "close") }
    let response = HTTPResponseHead(
      version: head.version, status: HTTPResponseStatus(statusCode: reply.status), headers: headers)
    context.write(handler.wrapOutboundOut(.head(response)), promise: nil)
  }

  private func finish(_ head: HTTPRequestHead) {
    if head.isKeepAlive {
      context.writeAndFlush(handler.wrapOutboundOut(.end(nil)), promise: nil)
    } else {
      closing(context.writeAndFlush(handler.wrapOutboundOut(.end(nil))))
    }
  }

  private func closing(_ written: EventLoopFuture<Void>) {
    written.assumeIsolated().whenComplete { [context] _ in context.close(promise: nil) }
  }

  /// One chunk after the other, the next when the client has taken the last: the stream is never in memory.
  private func stream(_ left: Int, first: ByteBuffer, _ head: HTTPRequestHead) {
    guard left > 0 else { return finish(head) }
    let size = min(left, Self.chunk)
    let part = first.getSlice(at: first.readerIndex, length: size) ?? first
    context.writeAndFlush(handler.wrapOutboundOut(.body(.byteBuffer(part)))).assumeIsolated().whenSuccess {
      // By way of the loop: called from within, a fast reader would pile one stack frame on another.
      context.eventLoop.assumeIsolated().execute { stream(left - size, first: first, head) }
    }
  }
}

extension Request {
  init(_ head: HTTPRequestHead, body: ByteBuffer, isTooLarge: Bool, channel: any Channel) {
    method = head.method
    if let mark = head.uri.utf8.firstIndex(of: UInt8(ascii: "?")) {
      path = String(head.uri[..<mark])
      query = String(head.uri[head.uri.utf8.index(after: mark)...])
    } else {
      path = head.uri
      query = ""
    }
    headers = head.headers
    self.body = body
    self.isTooLarge = isTooLarge
    if let host = head.headers.first(name: "Host"), Self.isPlain(host) {
      authority = host
    } else {
      authority = "127.0.0.1:\(channel.localAddress?.port ?? 80)"
    }
  }

  /// Whether it can stand in a link as it is.
  private static func isPlain(_ host: String) -> Bool {
    !host.isEmpty
      && host.utf8.allSatisfy { byte in
        switch byte {
        case 0x30...0x3A, 0x41...0x5B, 0x5D, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
        default: false
        }
      }
  }
}
