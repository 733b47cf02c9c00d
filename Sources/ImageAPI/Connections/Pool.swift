import NIOCore

/// The connections to one destination, and the requests that wait for one. It carries out what `PoolMachine` says. Confined
/// to the event loop.
final class Pool {
  let destination: Destination
  let limits: ConnectionPools.Limits
  private let pools: ConnectionPools
  private var machine: PoolMachine<Exchange, ConnectionHandler>
  // What may be dialled where addresses are checked: those of the latest request, all of which were.
  private var addresses: [NetworkAddress] = []

  init(_ destination: Destination, _ limits: ConnectionPools.Limits, in pools: ConnectionPools) {
    self.destination = destination
    self.limits = limits
    self.pools = pools
    machine = PoolMachine(limit: limits.connections)
  }

  /// Whether there is nothing left to do for it.
  var isEmpty: Bool { machine.isEmpty }
  /// How many connections are idle.
  var idleCount: Int { machine.idleCount }
  /// When the next idle connection is ended; nil: none is idle.
  var nextEnd: NIODeadline? { machine.nextEnd }

  /// Sends the request as soon as there is a connection.
  func add(_ exchange: Exchange) {
    if destination.way == .checked { addresses = exchange.request.addresses }
    perform(machine.request(exchange, isSubmission: exchange.isSubmission, now: .now()), failure: .stopped)
  }

  /// Takes a waiting request out. False: it does not wait.
  func withdraw(_ exchange: Exchange) -> Bool { machine.withdraw { $0 === exchange } }

  /// Ends the connections that have been idle for long enough.
  func expire(now: NIODeadline) {
    for connection in machine.expired(now: now) { connection.dismiss() }
  }

  /// Ends the connection that has been idle for longest.
  func endOldest() { machine.oldestIdle()?.dismiss() }

  /// Ends everything that waits or is idle, and makes no new connection.
  func shutDown() {
    let rest = machine.shutDown()
    for connection in rest.connections { connection.dismiss() }
    for exchange in rest.requests { exchange.end(ConnectionTrouble.stopped) }
  }

  // MARK: from its connections

  /// A request was answered, and the connection can carry another.
  func released(_ connection: ConnectionHandler) {
    let terms = connection.terms(limits)
    perform(machine.released(connection, freshUntil: terms.freshUntil, until: terms.until))
    pools.parked(until: terms.until)
  }

  /// A connection that was at work has ended.
  func workingEnded() { perform(machine.workingEnded()) }

  /// A connection that was idle has ended.
  func idleEnded(_ connection: ConnectionHandler) { machine.idleEnded(connection) }

  // MARK: actions

  private func perform(
    _ action: PoolMachine<Exchange, ConnectionHandler>.Action, failure: ConnectionTrouble = .closed
  ) {
    switch action.connection {
    case .none: break
    case .connect: connect()
    case .close(let connection): connection.dismiss()
    case .replace(let old):
      old.dismiss()
      connect()
    }
    switch action.request {
    case .none: break
    case .run(let exchange, let connection): run(exchange, on: connection)
    case .fail(let exchange): exchange.end(failure)
    }
  }

  private func run(_ exchange: Exchange, on connection: ConnectionHandler) {
    guard let permit = exchange.request.permit else { return connection.begin(exchange) }
    // The server may have ended the connection while it was idle. What is sent then is lost, and nobody knows whether it
    // arrived; so it is looked at before the permit is asked for.
    guard connection.pulse == .quiet else {
      let isReused = connection.isReused
      connection.dismiss()
      if isReused { return perform(machine.returned(exchange)) }
      // A server that ends connections as soon as they are made would be dialled without end.
      exchange.end(ConnectionTrouble.closed)
      return perform(machine.workingEnded())
    }
    guard permit.use() else {
      connection.dismiss()
      exchange.end(ConnectionTrouble.calledOff)
      return perform(machine.workingEnded())
    }
    connection.begin(exchange)
  }

  private func connect() {
    pools.connector.connect(to: destination, at: addresses).assumeIsolated().whenComplete { result in
      switch result {
      case .success(let channel): self.connected(channel)
      case .failure(let error): self.connectFailed(ConnectionTrouble(error))
      }
    }
  }

  private func connected(_ channel: any Channel) {
    do {
      let connection = try ConnectionHandler.install(on: channel, pool: self)
      let terms = connection.terms(limits)
      perform(machine.connected(connection, freshUntil: terms.freshUntil, until: terms.until))
      connection.rests()
      pools.parked(until: terms.until)
    } catch {
      channel.close(promise: nil)
      connectFailed(ConnectionTrouble(error))
    }
  }

  private func connectFailed(_ why: ConnectionTrouble) { perform(machine.connectFailed(), failure: why) }
}
