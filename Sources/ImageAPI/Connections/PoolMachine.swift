import NIOCore

/// Which request goes on which connection of one destination, and when connections are made and ended. Pure: it answers
/// each event with one action, which `Pool` carries out. It knows idle connections and waiting requests; of those at work
/// it knows the number only.
struct PoolMachine<Request, Connection: AnyObject> {
  /// What is to be done.
  struct Action {
    var request = RequestAction.none
    var connection = ConnectionAction.none
  }
  enum RequestAction {
    case none
    /// Sends it on the connection.
    case run(Request, on: Connection)
    /// Ends it with the reason of the connection that could not be made.
    case fail(Request)
  }
  enum ConnectionAction {
    case none
    case connect
    case close(Connection)
    /// Ends an idle one that is too old for a submission, to make room for a new one.
    case replace(Connection)
  }

  private struct Idle {
    var connection: Connection
    /// Until when a submission may go on it.
    var freshUntil: NIODeadline
    /// When it is ended.
    var until: NIODeadline
  }

  private let limit: Int
  private var waiting = CircularBuffer<Request>()
  // The one used last is the last.
  private var idle: [Idle] = []
  private var connecting = 0
  private var working = 0
  private var isShut = false

  /// `limit`: connections at once, in whatever state.
  init(limit: Int) { self.limit = max(limit, 1) }

  /// Whether it has no connection and nobody waits for one.
  var isEmpty: Bool { idle.isEmpty && waiting.isEmpty && connecting == 0 && working == 0 }
  /// How many connections are idle.
  var idleCount: Int { idle.count }
  /// When the next idle connection is ended; nil: none is idle.
  var nextEnd: NIODeadline? { idle.lazy.map(\.until).min() }

  /// A request that wants a connection. `isSubmission`: it must not go on one that the server may be closing already.
  mutating func request(_ request: Request, isSubmission: Bool, now: NIODeadline) -> Action {
    guard !isShut else { return Action(request: .fail(request)) }
    if let last = idle.last, !isSubmission || last.freshUntil > now {
      idle.removeLast()
      working += 1
      return Action(request: .run(request, on: last.connection))
    }
    waiting.append(request)
    return Action(connection: connectIfNeeded())
  }

  /// A connection is up. Where nobody wants it any more it is idle.
  mutating func connected(_ connection: Connection, freshUntil: NIODeadline, until: NIODeadline) -> Action {
    connecting -= 1
    return use(Idle(connection: connection, freshUntil: freshUntil, until: until))
  }

  /// A connection could not be made. It is the end for who has waited longest; the others get another attempt.
  mutating func connectFailed() -> Action {
    connecting -= 1
    guard let first = waiting.popFirst() else { return Action() }
    return Action(request: .fail(first), connection: connectIfNeeded())
  }

  /// A request was answered in full, and its connection can carry another until `freshUntil` or, where that is no
  /// submission, `until`.
  mutating func released(_ connection: Connection, freshUntil: NIODeadline, until: NIODeadline) -> Action {
    working -= 1
    return use(Idle(connection: connection, freshUntil: freshUntil, until: until))
  }

  /// A connection that was at work has ended.
  mutating func workingEnded() -> Action {
    working -= 1
    return Action(connection: connectIfNeeded())
  }

  /// A connection that was idle has ended.
  mutating func idleEnded(_ connection: Connection) { idle.removeAll { $0.connection === connection } }

  /// The connection that a request was given turned out to be at its end, with nothing of the request sent: the request
  /// comes first for the next one. The connection is not counted any more.
  mutating func returned(_ request: Request) -> Action {
    working -= 1
    guard !isShut else { return Action(request: .fail(request)) }
    waiting.prepend(request)
    return Action(connection: connectIfNeeded())
  }

  /// Takes a waiting request out. False: it does not wait.
  mutating func withdraw(where isMeant: (Request) -> Bool) -> Bool {
    guard let index = waiting.firstIndex(where: isMeant) else { return false }
    waiting.remove(at: index)
    return true
  }

  /// Takes out the connections that have been idle for long enough.
  mutating func expired(now: NIODeadline) -> [Connection] {
    guard idle.contains(where: { $0.until <= now }) else { return [] }
    let ended = idle.filter { $0.until <= now }.map(\.connection)
    idle.removeAll { $0.until <= now }
    return ended
  }

  /// Takes out the connection that has been idle for longest.
  mutating func oldestIdle() -> Connection? { idle.isEmpty ? nil : idle.removeFirst().connection }

  /// Ends it: nothing runs or is connected any more. The requests that waited, and the connections that were idle.
  mutating func shutDown() -> (requests: [Request], connections: [Connection]) {
    isShut = true
    defer {
      waiting = []
      idle = []
    }
    return (Array(waiting), idle.map(\.connection))
  }

  private mutating func use(_ free: Idle) -> Action {
    if isShut { return Action(connection: .close(free.connection)) }
    guard let first = waiting.popFirst() else {
      idle.append(free)
      return Action()
    }
    working += 1
    return Action(request: .run(first, on: free.connection))
  }

  // As many are made as requests wait, up to the limit. Idle ones are here only where a submission did not want them.
  private mutating func connectIfNeeded() -> ConnectionAction {
    guard !isShut, connecting < waiting.count else { return .none }
    if connecting + working + idle.count < limit {
      connecting += 1
      return .connect
    }
    guard let old = idle.first else { return .none }
    idle.removeFirst()
    connecting += 1
    return .replace(old.connection)
  }
}
