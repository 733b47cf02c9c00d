import Glibc
import NIOCore
import NIOPosix

/// A Unix stream socket on which commands ask a running agent.
///
/// A request is one line, ended by a line feed, of 1 MiB at most; so is its answer, of any length. Several requests may
/// follow one another on a connection and are answered in their order. Who may ask is a matter of the socket's rights in
/// the file system.
public final class ControlSocket: Sendable {
  /// What a client may do.
  struct Limits: Sendable {
    /// Bytes of a request, without its line feed.
    var line = 1 << 20
    /// From a request's first byte to its last.
    var lineTime = TimeAmount.seconds(30)
    /// For the client to take an answer.
    var answerTime = TimeAmount.seconds(60)
    /// Connections at once; further ones are closed.
    var connections = 64
  }

  private let place: SocketPlace
  private let listener: any Channel
  private let connections: Connections

  /// Listens at `path`, an absolute path of 107 bytes at most, for members of `group` (a name or a number; nil: the
  /// process's own) as far as `mode` says. `answer` gets each request without its line feed.
  ///
  /// What a dead process left under the name is replaced. Throws `ControlError.unusable`, also where somebody listens.
  public convenience init(
    path: String, group: String?, mode: mode_t, on loops: any EventLoopGroup,
    answer: @escaping @Sendable ([UInt8]) async -> [UInt8]
  ) async throws(ControlError) {
    try await self.init(path: path, group: group, mode: mode, on: loops, limits: Limits(), answer: answer)
  }

  init(
    path: String, group: String?, mode: mode_t, on loops: any EventLoopGroup, limits: Limits,
    answer: @escaping @Sendable ([UInt8]) async -> [UInt8]
  ) async throws(ControlError) {
    let (descriptor, place) = try SocketPlace.listen(path: path, group: group, mode: mode)
    let connections = Connections(limit: limits.connections)
    do {
      listener = try await ServerBootstrap(group: loops)
        .serverChannelOption(.backlog, value: SocketPlace.backlog)
        // A client may say that it has no more requests and still wait for its answers.
        .childChannelOption(.allowRemoteHalfClosure, value: true)
        // It is read as fast as it is answered, so that no client can fill the memory.
        .childChannelOption(.autoRead, value: false)
        .childChannelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try connections.admit(channel)
            try channel.pipeline.syncOperations.addHandler(LineHandler(limits, answer))
          }
        }
        .withBoundSocket(descriptor).get()
    } catch {
      // The descriptor is NIO's by now, to close or to keep: closing it again could hit another file.
      place.remove()
      throw .unusable(path, errorText(error))
    }
    self.place = place
    self.connections = connections
  }

  /// Takes the socket's name away, if it is still its own, and closes all connections.
  public func close() async {
    place.remove()
    await listener.closed()
    await connections.close()
  }
}
