/// One connection's part in HTTP/1: which parts of an answer belong to a request, and when the connection is free for
/// another. Pure: it answers each event with what is to be done, which `ConnectionHandler` carries out.
struct ExchangeMachine {
  /// What is to be done.
  enum Action: Equatable {
    case nothing
    /// The part is the request's answer's: it is handed on.
    case deliver
    /// The answer is whole: the request ends.
    case complete
    /// The connection is free for another request.
    case release
    /// The connection is of no more use: it is ended.
    case close
    /// The request ends with this, and the connection with it.
    case fail(ConnectionTrouble)
  }
  /// A part of an answer.
  enum Part: Equatable {
    /// The status, and whether the connection is kept afterwards.
    case head(status: Int, isKept: Bool)
    case body
    case end
  }

  private enum State {
    case free
    /// A request is on its way, or its answer. `isKept` is nil until the head of the answer is there.
    case working(isSent: Bool, isKept: Bool?)
    /// The answer is whole, but what was read with it may have more behind it.
    case answered(isKept: Bool)
    case closed
  }
  private var state = State.free

  /// Whether nothing more happens here.
  var isClosed: Bool { if case .closed = state { true } else { false } }

  /// Whether an answer is expected, or is on its way.
  var isWorking: Bool { if case .working = state { true } else { false } }

  /// A request begins. False: the connection cannot carry it.
  mutating func begin() -> Bool {
    guard case .free = state else { return false }
    state = .working(isSent: false, isKept: nil)
    return true
  }

  /// The whole request has gone out.
  mutating func sent() {
    if case .working(false, let isKept) = state { state = .working(isSent: true, isKept: isKept) }
  }

  /// The server takes no other request after this one.
  mutating func isLast() {
    if case .working(let isSent, _?) = state { state = .working(isSent: isSent, isKept: false) }
  }

  /// A part of an answer came.
  mutating func received(_ part: Part) -> Action {
    switch (state, part) {
    case (.working(let isSent, nil), .head(let status, let isKept)):
      // Nobody asked for another protocol.
      guard status != 101 else { return broken(.notHTTP("HTTP 101")) }
      state = .working(isSent: isSent, isKept: isKept)
      return .deliver
    case (.working(_, _?), .body): return .deliver
    case (.working(let isSent, let isKept?), .end):
      // What is left of a request that was answered before it was whole would be taken for the next one.
      state = .answered(isKept: isKept && isSent)
      return .complete
    case (.working, _): return broken(.notHTTP("its parts are out of order"))
    case (.free, _), (.answered, _):
      // Bytes that nobody asked for could be taken for the next request's answer.
      state = .closed
      return .close
    case (.closed, _): return .nothing
    }
  }

  /// All that was read at once has been handed on.
  mutating func burstEnded() -> Action {
    guard case .answered(let isKept) = state else { return .nothing }
    state = isKept ? .free : .closed
    return isKept ? .release : .close
  }

  /// The connection has ended, or is at its end.
  mutating func ended(_ why: ConnectionTrouble) -> Action {
    switch state {
    case .working: return broken(why)
    case .free, .answered:
      state = .closed
      return .close
    case .closed: return .nothing
    }
  }

  private mutating func broken(_ why: ConnectionTrouble) -> Action {
    state = .closed
    return .fail(why)
  }
}
