import NIOCore
import NIOPosix
import Synchronization

/// Draws pictures on a thread pool, and keeps the last few for whoever fetches them again.
final class PictureStore: Sendable {
  private struct Key: Hashable {
    var picture: PictureRequest
    var index: Int
  }
  private struct Cache {
    var pngs: [Key: ByteBuffer] = [:]
    var order = CircularBuffer<Key>()
    var bytes = 0
  }

  private let threads: NIOThreadPool
  private let pool: [ByteBuffer]
  private let cache = Mutex(Cache())
  private static let cacheLimit = 16 << 20

  /// Draws the pool, if one is asked for.
  init(options: SandboxOptions, threads: NIOThreadPool) async throws {
    self.threads = threads
    var pool: [ByteBuffer] = []
    for index in 0..<max(0, options.imagePool) {
      // Of a size that comes to about 20 KB.
      pool.append(
        try await threads.runIfActive {
          var mixer = Mixer(seed: UInt64(index))
          return try Self.draw(PictureRequest(seed: mixer.next(), revision: 0, width: 160, height: 160), index: 1)
        })
    }
    self.pool = pool
  }

  /// The picture, if it needs no drawing.
  func ready(_ picture: PictureRequest) -> ByteBuffer? {
    pool.isEmpty ? nil : pool[picture.number % pool.count]
  }

  /// One picture of a task; `index` counts from 1.
  func png(_ picture: PictureRequest, index: Int, on loop: any EventLoop) -> EventLoopFuture<ByteBuffer> {
    if let png = ready(picture) { return loop.makeSucceededFuture(png) }
    let key = Key(picture: picture, index: index)
    if let png = cache.withLock({ $0.pngs[key] }) { return loop.makeSucceededFuture(png) }
    return threads.runIfActive(eventLoop: loop) {
      let png = try Self.draw(picture, index: index)
      self.keep(png, key)
      return png
    }
  }

  /// The first `count` pictures of a task.
  func pngs(_ picture: PictureRequest, count: Int, on loop: any EventLoop) -> EventLoopFuture<[ByteBuffer]> {
    EventLoopFuture.whenAllSucceed((1...max(1, count)).map { png(picture, index: $0, on: loop) }, on: loop)
  }

  private static func draw(_ picture: PictureRequest, index: Int) throws -> ByteBuffer {
    let canvas = Artist.draw(
      seed: picture.seed, revision: picture.revision * 16 + index - 1, width: picture.width, height: picture.height)
    return ByteBuffer(bytes: try PNGEncoder.encode(canvas))
  }

  private func keep(_ png: ByteBuffer, _ key: Key) {
    cache.withLock { cache in
      guard cache.pngs.updateValue(png, forKey: key) == nil else { return }
      cache.order.append(key)
      cache.bytes += png.readableBytes
      while cache.bytes > Self.cacheLimit, let oldest = cache.order.popFirst() {
        cache.bytes -= cache.pngs.removeValue(forKey: oldest)?.readableBytes ?? 0
      }
    }
  }
}
