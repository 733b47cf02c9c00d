import Glibc
import NIOCore

/// One connection to a ``ControlSocket``: takes a line, has it answered, takes the next.
final class LineHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let limits: ControlSocket.Limits
  private let answer: @Sendable ([UInt8]) async -> [UInt8]
  private var buffer = ByteBuffer()
  private var searched = 0
  private var isAnswering = false
  private var hasEnded = false
  private var isGone = false
  private var timer: Scheduled<Void>?

  init(_ limits: ControlSocket.Limits, _ answer: @escaping @Sendable ([UInt8]) async -> [UInt8]) {
    self.limits = limits
    self.answer = answer
  }

  func channelActive(context: ChannelHandlerContext) {
    context.fireChannelActive()
    context.read()
  }

  func channelInactive(context: ChannelHandlerContext) {
    isGone = true
    stopTimer()
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var part = unwrapInboundIn(data)
    buffer.writeBuffer(&part)
    goOn(context)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    if !isAnswering { context.read() }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
    hasEnded = true
    goOn(context)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // A client that went away is nothing to report.
    close(context)
  }

  private func goOn(_ context: ChannelHandlerContext) {
    guard !isAnswering, !isGone else { return }
    guard let length = lineLength() else {
      // A line that never ends, or no more of them.
      if hasEnded || buffer.readableBytes > limits.line { return close(context) }
      if buffer.readableBytes > 0, timer == nil { startTimer(limits.lineTime, context) }
      return
    }
    guard length <= limits.line, let line = buffer.readBytes(length: length) else { return close(context) }
    stopTimer()
    buffer.moveReaderIndex(forwardBy: 1)
    searched = 0
    // A connection that waits keeps no memory.
    if buffer.readableBytes == 0 { buffer = ByteBuffer() } else { buffer.discardReadBytes() }
    isAnswering = true
    let promise = context.eventLoop.makePromise(of: [UInt8].self)
    promise.completeWithTask { [answer] in await answer(line) }
    promise.futureResult.assumeIsolated().whenSuccess { self.send($0, context) }
  }

  private func send(_ answer: [UInt8], _ context: ChannelHandlerContext) {
    guard !isGone else { return }
    startTimer(limits.answerTime, context)
    let sent = context.eventLoop.makePromise(of: Void.self)
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(line: answer)), promise: sent)
    sent.futureResult.assumeIsolated().whenComplete { result in
      guard case .success = result else { return self.close(context) }
      self.stopTimer()
      self.isAnswering = false
      self.goOn(context)
      if !self.isAnswering, !self.isGone { context.read() }
    }
  }

  // What has been searched before is not searched again: a line may come byte by byte.
  private func lineLength() -> Int? {
    let length = buffer.firstLineFeed(from: searched)
    searched = length ?? buffer.readableBytes
    return length
  }

  private func startTimer(_ time: TimeAmount, _ context: ChannelHandlerContext) {
    stopTimer()
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: time) { self.close(context) }
  }

  private func stopTimer() {
    timer?.cancel()
    timer = nil
  }

  private func close(_ context: ChannelHandlerContext) {
    stopTimer()
    guard !isGone else { return }
    isGone = true
    context.close(promise: nil)
  }
}

extension ByteBuffer {
  /// The text with a line feed at its end. Line feeds within, which JSON has between tokens only, become spaces.
  init(line: [UInt8]) {
    self.init()
    reserveCapacity(line.count + 1)
    let line = line.contains(10) ? line.map { $0 == 10 ? 32 : $0 } : line
    writeBytes(line)
    writeInteger(UInt8(10))
  }

  /// How many readable bytes stand before the first line feed; those before `start` are known to hold none.
  func firstLineFeed(from start: Int) -> Int? {
    withUnsafeReadableBytes { bytes in
      guard let base = bytes.baseAddress, start < bytes.count else { return nil }
      return memchr(base + start, 10, bytes.count - start).map { $0 - UnsafeMutableRawPointer(mutating: base) }
    }
  }
}
