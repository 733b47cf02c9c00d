import NIOCore
import NIOPosix
import NIOSSL

/// Makes connections: finds the host, tries its IPv6 and IPv4 addresses in a race (RFC 8305), goes through the proxy, sets
/// TLS up. Confined to the event loop.
final class Connector {
  /// How connections are made.
  struct Settings: Sendable {
    /// For all of it.
    var connectTimeout: TimeAmount
    var tls: TLSConfiguration
    /// Where destinations that are reached by the proxy find it.
    var proxy: ProxyServer?

    init(connectTimeout: TimeAmount, tls: TLSConfiguration, proxy: ProxyServer?) {
      self.connectTimeout = connectTimeout
      self.tls = tls
      // The check of NIOSSL accepts a certificate for the address that was dialled, whatever the host is called.
      // `SetupHandler` holds it against the host instead.
      self.tls.certificateVerification = .noHostnameVerification
      self.tls.applicationProtocols = [SetupHandler.http1]
      self.proxy = proxy
    }
  }

  private let settings: Settings
  private let loop: any EventLoop
  // Made once, on a thread that may wait: it reads the system's certificates.
  private var context: EventLoopFuture<NIOSSLContext>?

  init(_ settings: Settings, on loop: any EventLoop) {
    self.settings = settings
    self.loop = loop
  }

  /// A channel to the destination over which HTTP can be spoken, TLS and all. `addresses`: what may be dialled, where the
  /// destination says that it was checked.
  func connect(to destination: Destination, at addresses: [NetworkAddress]) -> EventLoopFuture<any Channel> {
    let dial = Dial(on: loop, within: settings.connectTimeout)
    let proxy = destination.way == .proxy ? settings.proxy : nil
    if destination.isSecure {
      secureContext().assumeIsolated().whenComplete { result in
        switch result {
        case .success(let context): self.dial(destination, addresses, proxy, context, dial)
        case .failure(let error): dial.end(.failure(error))
        }
      }
    } else {
      self.dial(destination, addresses, proxy, nil, dial)
    }
    return dial.channel
  }

  private func secureContext() -> EventLoopFuture<NIOSSLContext> {
    if let context { return context }
    let made = NIOThreadPool.singleton.runIfActive(eventLoop: loop) { [tls = settings.tls] in
      try NIOSSLContext(configuration: tls)
    }
    context = made
    // What could not be read now may be there later.
    made.assumeIsolated().whenFailure { _ in self.context = nil }
    return made
  }

  private func dial(
    _ destination: Destination, _ addresses: [NetworkAddress], _ proxy: ProxyServer?, _ context: NIOSSLContext?,
    _ dial: Dial
  ) {
    guard destination.way != .proxy || proxy != nil else {
      return dial.end(.failure(ConnectionTrouble.other("there is no proxy")))
    }
    let needsSetup = proxy != nil || context != nil
    let bootstrap = ClientBootstrap(group: loop)
      .connectTimeout(settings.connectTimeout)
      // A picture comes in few large parts, and what a small answer leaves of the room is memory that nobody touches. An
      // allocator that adapts itself to small answers would read the picture between them in many parts.
      .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 32_768))
      // As many such buffers each connection keeps. What is read is handed on before more is read, and one that is not full
      // ends the reading anyway.
      .channelOption(.maxMessagesPerRead, value: 1)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          if let proxy {
            try pipeline.addHandler(ProxyConnectHandler(destination, authorization: proxy.authorization))
          } else if let context {
            try pipeline.addHandler(try SetupHandler.tls(context, destination.host))
          }
          if needsSetup { try pipeline.addHandler(SetupHandler(destination.host, proxy == nil ? nil : context)) }
        }
      }
    let (host, port) = proxy.map { ($0.host, $0.port) } ?? (destination.host, destination.port)
    connected(bootstrap, host, port, destination.way == .checked ? addresses : nil).assumeIsolated().whenComplete {
      result in
      switch result {
      case .failure(let error): dial.end(.failure(error))
      case .success(let channel):
        guard dial.has(channel), needsSetup else { return dial.end(.success(channel)) }
        SetupHandler.ready(channel).assumeIsolated().whenComplete { dial.end($0.map { channel }) }
      }
    }
  }

  private func connected(
    _ bootstrap: ClientBootstrap, _ host: String, _ port: Int, _ addresses: [NetworkAddress]?
  ) -> EventLoopFuture<any Channel> {
    // What is no address is a name.
    if addresses == nil, let literal = try? SocketAddress(ipAddress: host, port: port) {
      return bootstrap.connect(to: literal)
    }
    let resolver = DialResolver(addresses, host: host, on: loop)
    return bootstrap.resolver(resolver).connect(host: host, port: port)
  }
}

/// An HTTP proxy.
struct ProxyServer: Hashable, Sendable {
  var host: String
  var port: Int
  /// What its `Proxy-Authorization` says; nil: it wants none.
  var authorization: String?
}

/// One attempt to connect, with its time. Confined to the event loop.
private final class Dial {
  private let promise: EventLoopPromise<any Channel>
  private var made: (any Channel)?
  private var isOver = false
  private var timeout: Scheduled<Void>?
  var channel: EventLoopFuture<any Channel> { promise.futureResult }

  init(on loop: any EventLoop, within time: TimeAmount) {
    promise = loop.makePromise()
    timeout = loop.assumeIsolated().scheduleTask(in: time) { self.end(.failure(ConnectionTrouble.connectTimeout)) }
  }

  /// There is a channel, which is not set up yet. False: it comes too late.
  func has(_ channel: any Channel) -> Bool {
    made = channel
    if isOver { channel.close(promise: nil) }
    return !isOver
  }

  /// Ends it, once.
  func end(_ result: Result<any Channel, any Error>) {
    guard !isOver else { return }
    isOver = true
    timeout?.cancel()
    timeout = nil
    if case .failure = result { made?.close(promise: nil) }
    made = nil
    promise.completeWith(result)
  }
}

/// The addresses that are dialled: those that are given and no other, else those that the system finds.
private final class DialResolver: NIOPosix.Resolver, Sendable {
  private let found: EventLoopFuture<[NetworkAddress]>

  init(_ addresses: [NetworkAddress]?, host: String, on loop: any EventLoop) {
    found =
      addresses.map { loop.makeSucceededFuture($0) }
      ?? NIOThreadPool.singleton.runIfActive(eventLoop: loop) { try Resolver.addresses(of: host) }
  }

  func initiateAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> { addresses(of: 4, port) }
  func initiateAAAAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> { addresses(of: 16, port) }
  func cancelQueries() {}

  private func addresses(of length: Int, _ port: Int) -> EventLoopFuture<[SocketAddress]> {
    found.flatMapThrowing { found in
      try found.filter { $0.bytes.count == length }.map {
        try SocketAddress(packedIPAddress: ByteBuffer(bytes: $0.bytes), port: port)
      }
    }
  }
}
