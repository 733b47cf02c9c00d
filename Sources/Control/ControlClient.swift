import NIOCore
import NIOPosix
import Synchronization

/// Asks an agent over its ``ControlSocket``.
public enum ControlClient {
  /// Sends a request, one line without its line feed, and returns the answer, without it too.
  ///
  /// `timeout` is for all of it. Throws `ControlError.silent` where there is no socket, nobody listens, this user may not,
  /// the connection ends before the answer does, the time is over, or the task is cancelled.
  public static func ask(
    socket path: String, _ request: [UInt8], timeout: Duration, on loops: any EventLoopGroup
  ) async throws(ControlError) -> [UInt8] {
    guard Names.fitsSocket(path) else { throw .silent(path, "a Unix socket cannot have this path") }
    let loop = loops.next()
    let pending = Pending(on: loop, path)
    let alarm = loop.scheduleTask(in: TimeAmount(timeout)) { pending.fail("there was no answer in time") }
    defer { alarm.cancel() }
    ClientBootstrap(group: loop)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(AnswerHandler(request, pending))
        }
      }
      .connect(unixDomainSocketPath: path)
      .whenComplete { result in
        switch result {
        case .success(let channel): pending.whenDone { channel.close(promise: nil) }
        case .failure(let error): pending.fail(errorText(error))
        }
      }
    do {
      return try await withTaskCancellationHandler {
        try await pending.answer()
      } onCancel: {
        pending.fail("nobody waits for the answer any more")
      }
    } catch let error as ControlError {
      throw error
    } catch {
      throw .silent(path, errorText(error))
    }
  }
}

/// An answer that is waited for; the first that is said counts.
private final class Pending: Sendable {
  private let path: String
  private let future: EventLoopFuture<[UInt8]>
  private let promise: Mutex<EventLoopPromise<[UInt8]>?>

  init(on loop: any EventLoop, _ path: String) {
    let promise = loop.makePromise(of: [UInt8].self)
    self.path = path
    future = promise.futureResult
    self.promise = Mutex(promise)
  }

  func answer() async throws -> [UInt8] { try await future.get() }
  func whenDone(_ body: @escaping @Sendable () -> Void) { future.whenComplete { _ in body() } }
  func succeed(_ answer: [UInt8]) { take()?.succeed(answer) }
  func fail(_ why: String) { take()?.fail(ControlError.silent(path, why)) }

  private func take() -> EventLoopPromise<[UInt8]>? {
    promise.withLock { promise in
      defer { promise = nil }
      return promise
    }
  }
}

/// Sends the request and gathers the answer up to its line feed.
private final class AnswerHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let request: [UInt8]
  private let pending: Pending
  private var buffer = ByteBuffer()
  private var searched = 0

  init(_ request: [UInt8], _ pending: Pending) {
    self.request = request
    self.pending = pending
  }

  func channelActive(context: ChannelHandlerContext) {
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(line: request)), promise: nil)
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var part = unwrapInboundIn(data)
    buffer.writeBuffer(&part)
    guard let length = buffer.firstLineFeed(from: searched) else {
      searched = buffer.readableBytes
      return
    }
    pending.succeed(buffer.readBytes(length: length) ?? [])
  }

  func channelInactive(context: ChannelHandlerContext) {
    pending.fail("the connection ended before the answer did")
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    pending.fail(errorText(error))
    context.close(promise: nil)
  }
}
