import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// The image service restated, offline: the wire contract of its guide, and on demand everything that can go wrong.
///
/// It shares no code with any client, so that the two can disagree. Start it, point a client at ``baseURL``, stop it.
public final class Sandbox: Sendable {
  private struct Running: Sendable {
    let group: MultiThreadedEventLoopGroup
    let threads: NIOThreadPool
    var port = 0
  }
  private enum Phase: Sendable {
    case idle, busy
    case running(Running)
  }

  private let state: SandboxState
  private let phase = Mutex(Phase.idle)

  /// Makes a service that does not listen yet.
  public init(_ options: SandboxOptions) { state = SandboxState(options) }

  /// Binds and answers from here on. With a picture pool it draws that first.
  ///
  /// - Throws: ``SandboxError/alreadyStarted``, or the system's error when the address cannot be had.
  public func start() async throws {
    let isIdle = phase.withLock { phase in
      guard case .idle = phase else { return false }
      phase = .busy
      return true
    }
    guard isIdle else { throw SandboxError.alreadyStarted }
    var running = Running(
      group: MultiThreadedEventLoopGroup(numberOfThreads: 1), threads: NIOThreadPool(numberOfThreads: 2))
    running.threads.start()
    do {
      running.port = try await bind(running)
      phase.withLock { [running] in $0 = .running(running) }
    } catch {
      try await Self.shutDown(running)
      phase.withLock { $0 = .idle }
      throw error
    }
  }

  private func bind(_ running: Running) async throws -> Int {
    let service = Service(
      state: state, eventLoop: running.group.next(),
      pictures: try await PictureStore(options: state.options, threads: running.threads))
    let channel = try await ServerBootstrap(group: running.group)
      .serverChannelOption(.backlog, value: 1024)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
          try channel.pipeline.syncOperations.addHandler(HTTPHandler(service))
        }
      }
      .bind(host: state.options.host, port: state.options.port).get()
    return channel.localAddress?.port ?? state.options.port
  }

  /// Closes every connection and ends the threads; the ledger stays readable.
  public func stop() async throws {
    let running = phase.withLock { phase -> Running? in
      guard case .running(let running) = phase else { return nil }
      phase = .busy
      return running
    }
    guard let running else { return }
    try await Self.shutDown(running)
    phase.withLock { $0 = .idle }
  }

  private static func shutDown(_ running: Running) async throws {
    // The drawing first: its results go to the event loop.
    try await running.threads.shutdownGracefully()
    try await running.group.shutdownGracefully()
  }

  /// The port it listens on; 0 while it does not.
  public var port: Int {
    phase.withLock { phase in
      if case .running(let running) = phase { running.port } else { 0 }
    }
  }

  /// `http://HOST:PORT`, what a client takes for its base URL.
  public var baseURL: String {
    let host =
      switch state.options.host {
      case "0.0.0.0": "127.0.0.1"
      case "::": "[::1]"
      case let literal where literal.contains(":"): "[\(literal)]"
      case let name: name
      }
    return "http://\(host):\(port)"
  }

  /// Every submit received in full, in order.
  public func ledger() -> [LedgerEntry] { state.withLock { $0.ledger.all } }

  /// How often the other endpoints were asked, and how often a key leaked.
  public func counters() -> SandboxCounters { state.withLock { $0.counters } }

  /// Adds a fault after those that are there.
  public func addFault(_ fault: Fault) { state.withLock { $0.faults.add(fault) } }

  /// Drops every scripted fault; what a task or a prompt has of its own stays.
  public func removeFaults() { state.withLock { $0.faults.removeAll() } }
}

/// What a ``Sandbox`` itself cannot do.
public enum SandboxError: Error, Sendable {
  /// It listens already.
  case alreadyStarted
}
