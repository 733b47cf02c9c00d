import NIOCore
import NIOHTTP1
import Testing

@testable import ImageAPI

/// What belongs to which request on a connection, without a network.
@Suite struct ExchangeMachineTests {
  private let head = ExchangeMachine.Part.head(status: 200, isKept: true)

  /// A machine whose events can stand in an expectation.
  private final class Held {
    private var machine = ExchangeMachine()
    var isClosed: Bool { machine.isClosed }
    func begin() -> Bool { machine.begin() }
    func sent() { machine.sent() }
    func isLast() { machine.isLast() }
    func received(_ part: ExchangeMachine.Part) -> ExchangeMachine.Action { machine.received(part) }
    func burstEnded() -> ExchangeMachine.Action { machine.burstEnded() }
    func ended(_ why: ConnectionTrouble) -> ExchangeMachine.Action { machine.ended(why) }
  }

  private func working(isSent: Bool = true) -> Held {
    let machine = Held()
    #expect(machine.begin())
    if isSent { machine.sent() }
    return machine
  }

  @Test func `One request after the other`() {
    let machine = Held()
    for _ in 0..<3 {
      #expect(machine.begin() && !machine.begin())
      machine.sent()
      #expect(machine.burstEnded() == .nothing)
      #expect(machine.received(head) == .deliver && machine.received(.body) == .deliver)
      #expect(machine.burstEnded() == .nothing && machine.received(.end) == .complete)
      #expect(!machine.begin(), "what was read may have more behind it")
      #expect(machine.burstEnded() == .release)
    }
  }

  @Test func `An answer that ends the connection, and one that says it is the last`() {
    var machine = working()
    _ = machine.received(.head(status: 200, isKept: false))
    #expect(machine.received(.end) == .complete && machine.burstEnded() == .close && machine.isClosed)
    machine = working()
    _ = machine.received(head)
    machine.isLast()
    #expect(machine.received(.end) == .complete && machine.burstEnded() == .close)
  }

  @Test func `An answer before the request was whole counts, and the connection carries no other`() {
    let machine = working(isSent: false)
    _ = machine.received(head)
    #expect(machine.received(.end) == .complete)
    machine.sent()
    #expect(machine.burstEnded() == .close)
  }

  @Test func `What nobody asked for ends the connection`() {
    for part in [head, .body, .end] {
      var machine = Held()
      #expect(machine.received(part) == .close && !machine.begin())
      machine = working()
      _ = (machine.received(head), machine.received(.end))
      #expect(machine.received(part) == .close && machine.burstEnded() == .nothing)
    }
  }

  @Test func `Parts out of order, and another protocol`() {
    for part in [ExchangeMachine.Part.body, .end, .head(status: 101, isKept: true)] {
      let machine = working()
      guard case .fail(.notHTTP) = machine.received(part) else {
        Issue.record("\(part)")
        continue
      }
      #expect(machine.isClosed && machine.received(head) == .nothing)
    }
    let machine = working()
    _ = machine.received(head)
    guard case .fail(.notHTTP) = machine.received(head) else {
      Issue.record("a second head")
      return
    }
  }

  @Test func `An end fails what is not whole, once, and nothing else`() {
    var machine = working()
    #expect(machine.ended(.late) == .fail(.late) && machine.ended(.closed) == .nothing)
    machine = Held()
    #expect(machine.ended(.closed) == .close && machine.ended(.closed) == .nothing)
    machine = working()
    _ = (machine.received(head), machine.received(.end))
    #expect(machine.ended(.closed) == .close)
  }

  @Test(arguments: [
    ("timeout=5, max=100", 4, false), ("timeout=5", 4, false), ("Timeout = 75 ,max=1", 74, false),
    ("timeout=1", 0, true), ("timeout=0", 0, true), ("max=0", 0, true), ("timeout=60, max=0", 59, true),
    ("timeout=99999999999999", 3600, false),
  ])
  func `What a server says of how long it keeps a connection`(value: String, seconds: Int64, isOver: Bool) {
    let read = KeepAlive(["Keep-Alive": value])
    #expect(read?.time == .seconds(seconds) && read?.isOver == isOver, "\(String(describing: read))")
  }

  @Test(arguments: ["", "max=5", "timeout", "timeout=soon", "300"])
  func `What says nothing of it`(value: String) {
    #expect(KeepAlive(["Keep-Alive": value]) == nil && KeepAlive([:]) == nil)
  }
}
