import NIOCore
import Synchronization

/// The open connections of a server, so many at most, to be closed with it.
final class Connections: Sendable {
  private struct State {
    var open: [ObjectIdentifier: any Channel] = [:]
    var isClosed = false
  }
  private let state = Mutex(State())
  private let limit: Int

  init(limit: Int) { self.limit = limit }

  var count: Int { state.withLock { $0.open.count } }

  /// Takes a connection in; throws where there are too many, which closes it.
  func admit(_ channel: any Channel) throws {
    let id = ObjectIdentifier(channel)
    let isAdmitted = state.withLock { state in
      guard !state.isClosed, state.open.count < limit else { return false }
      state.open[id] = channel
      return true
    }
    guard isAdmitted else { throw TooMany() }
    channel.closeFuture.whenComplete { _ in self.state.withLock { $0.open[id] = nil } }
  }

  /// Closes all, and any that still come.
  func close() async {
    let open = state.withLock { state in
      state.isClosed = true
      return Array(state.open.values)
    }
    for channel in open { await channel.closed() }
  }

  private struct TooMany: Error {}
}

extension Channel {
  /// Closes, and returns once it is closed.
  func closed() async {
    close(promise: nil)
    // How a connection ended that is to end is of no interest, and the future of a closed one does not fail.
    try? await closeFuture.get()
  }
}
