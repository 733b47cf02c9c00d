import NIOCore

/// All connections and all requests under way. Confined to the event loop.
final class ConnectionPools {
  /// How many connections, and for how long.
  struct Limits: Sendable {
    /// To a destination at once.
    var connections: Int
    /// For how long a connection may be idle.
    var idleTime = TimeAmount.seconds(30)
    /// For how long after its last use a connection may carry a submission, where the server does not say how long it keeps
    /// one: many keep it for 5 seconds. One that is sent just as the server ends the connection is in doubt for good, and a
    /// new connection costs little beside a picture.
    var freshTime = TimeAmount.seconds(4)
    /// For how long the other side may take nothing of a request.
    var stallTime: TimeAmount
  }

  let connector: Connector
  private let limits: Limits
  private let loop: any EventLoop
  private var pools: [Destination: Pool] = [:]
  private var roll = ExchangeRoll()
  private var alarm: (at: NIODeadline, task: Scheduled<Void>)?
  private var isShut = false

  init(_ limits: Limits, _ connector: Connector, on loop: any EventLoop) {
    self.limits = limits
    self.connector = connector
    self.loop = loop
  }

  /// How many connections are idle.
  var idleCount: Int { pools.values.reduce(0) { $0 + $1.idleCount } }

  /// Begins a request. Its receiver learns of the end in any case.
  func start(_ exchange: Exchange) {
    guard !isShut else { return exchange.end(ConnectionTrouble.stopped) }
    roll.add(exchange)
    if exchange.due < .distantFuture { wake(by: exchange.due) }
    let destination = exchange.request.destination
    let known = pools[destination]
    let pool = known ?? Pool(destination, limits, in: self)
    if known == nil { pools[destination] = pool }
    pool.add(exchange)
  }

  /// Ends a request before its time.
  func abort(_ exchange: Exchange, _ why: ConnectionTrouble) {
    if let connection = exchange.connection { return connection.abort(why) }
    _ = pools[exchange.request.destination]?.withdraw(exchange)
    exchange.end(why)
  }

  /// A request has ended.
  func ended(_ exchange: Exchange) { roll.remove(exchange) }

  /// A connection may be idle now: it ends in time, and there are not too many.
  func parked(until end: NIODeadline) {
    wake(by: end)
    guard idleCount > limits.connections * 2 else { return }
    pools.values.filter { $0.idleCount > 0 }.min { $0.nextEnd ?? end < $1.nextEnd ?? end }?.endOldest()
  }

  /// Ends all requests and all connections.
  func shutDown() {
    isShut = true
    alarm?.task.cancel()
    alarm = nil
    for pool in pools.values { pool.shutDown() }
    for exchange in roll.all { abort(exchange, .stopped) }
    pools = [:]
  }

  // MARK: time

  /// Looks after everything at this time at the latest. One alarm for all: it is set anew only where it would come too
  /// late, so that a request costs no timer of its own.
  func wake(by time: NIODeadline) {
    guard !isShut, time < .distantFuture else { return }
    if let alarm {
      guard time < alarm.at else { return }
      alarm.task.cancel()
    }
    let task = loop.assumeIsolated().scheduleTask(deadline: time) {
      self.alarm = nil
      self.lookAfterAll()
    }
    alarm = (time, task)
  }

  private func lookAfterAll() {
    let now = NIODeadline.now()
    for exchange in roll.all where exchange.due <= now { lookAfter(exchange, now) }
    for pool in pools.values { pool.expire(now: now) }
    for (destination, pool) in pools where pool.isEmpty { pools[destination] = nil }
    let next = (roll.all.lazy.map(\.due).min(), pools.values.lazy.compactMap(\.nextEnd).min())
    for time in [next.0, next.1] { if let time { wake(by: time) } }
  }

  private func lookAfter(_ exchange: Exchange, _ now: NIODeadline) {
    if let deadline = exchange.request.deadline, deadline <= now { return abort(exchange, .late) }
    guard let connection = exchange.connection, !connection.hasSent else {
      return abort(exchange, exchange.request.silence == nil ? .late : .silent)
    }
    if connection.hasProgressed() { exchange.progressed(stall: limits.stallTime) } else { abort(exchange, .stalled) }
  }
}
