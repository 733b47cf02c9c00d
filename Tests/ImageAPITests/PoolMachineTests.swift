import NIOCore
import TestKit
import Testing

@testable import ImageAPI

/// Which request goes on which connection, without a network.
@Suite struct PoolMachineTests {
  final class Line {
    let number: Int
    init(_ number: Int) { self.number = number }
  }
  /// A machine whose events can stand in an expectation.
  final class Machine {
    typealias Action = PoolMachine<Int, Line>.Action
    private var machine: PoolMachine<Int, Line>
    init(limit: Int) { machine = PoolMachine(limit: limit) }
    var isEmpty: Bool { machine.isEmpty }
    var idleCount: Int { machine.idleCount }
    var nextEnd: NIODeadline? { machine.nextEnd }
    func request(_ request: Int, isSubmission: Bool, now: NIODeadline) -> Action {
      machine.request(request, isSubmission: isSubmission, now: now)
    }
    func connected(_ line: Line, freshUntil: NIODeadline, until: NIODeadline) -> Action {
      machine.connected(line, freshUntil: freshUntil, until: until)
    }
    func released(_ line: Line, freshUntil: NIODeadline, until: NIODeadline) -> Action {
      machine.released(line, freshUntil: freshUntil, until: until)
    }
    func connectFailed() -> Action { machine.connectFailed() }
    func workingEnded() -> Action { machine.workingEnded() }
    func idleEnded(_ line: Line) { machine.idleEnded(line) }
    func returned(_ request: Int) -> Action { machine.returned(request) }
    func withdraw(_ request: Int) -> Bool { machine.withdraw { $0 == request } }
    func expired(now: NIODeadline) -> [Line] { machine.expired(now: now) }
    func shutDown() -> (requests: [Int], connections: [Line]) { machine.shutDown() }
  }

  private static func at(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(0) + .seconds(seconds) }

  /// An action in words: "run 1 on 2", "connect", "close 2", "fail 1", …
  private func words(_ action: Machine.Action) -> String {
    let request: String? =
      switch action.request {
      case .none: nil
      case .run(let request, let line): "run \(request) on \(line.number)"
      case .fail(let request): "fail \(request)"
      }
    let connection: String? =
      switch action.connection {
      case .none: nil
      case .connect: "connect"
      case .close(let line): "close \(line.number)"
      case .replace(let line): "replace \(line.number)"
      }
    return [request, connection].compactMap { $0 }.joined(separator: ", ")
  }

  private func get(_ machine: Machine, _ number: Int, at seconds: Int64 = 0) -> String {
    words(machine.request(number, isSubmission: false, now: Self.at(seconds)))
  }

  private func post(_ machine: Machine, _ number: Int, at seconds: Int64 = 0) -> String {
    words(machine.request(number, isSubmission: true, now: Self.at(seconds)))
  }

  private func connected(_ machine: Machine, _ line: Line, at seconds: Int64 = 0) -> String {
    words(machine.connected(line, freshUntil: Self.at(seconds + 4), until: Self.at(seconds + 30)))
  }

  private func released(_ machine: Machine, _ line: Line, at seconds: Int64 = 0) -> String {
    words(machine.released(line, freshUntil: Self.at(seconds + 4), until: Self.at(seconds + 30)))
  }

  @Test func `A connection is made for each that waits, up to the limit, and the first gets the first`() {
    let machine = Machine(limit: 2)
    let (one, two) = (Line(1), Line(2))
    #expect((0..<3).map { get(machine, $0) } == ["connect", "connect", ""])
    #expect(connected(machine, two) == "run 0 on 2" && connected(machine, one) == "run 1 on 1")
    #expect(released(machine, one) == "run 2 on 1" && released(machine, one) == "")
    #expect(get(machine, 3) == "run 3 on 1")
    #expect(words(machine.workingEnded()) == "" && words(machine.workingEnded()) == "" && machine.isEmpty)
  }

  @Test func `The connection used last is used next`() {
    let machine = Machine(limit: 2)
    let lines = [Line(1), Line(2)]
    for (number, line) in lines.enumerated() {
      _ = get(machine, number)
      _ = connected(machine, line)
    }
    _ = released(machine, lines[1])
    _ = released(machine, lines[0])
    #expect(get(machine, 7) == "run 7 on 1" && get(machine, 8) == "run 8 on 2")
  }

  @Test func `A submission does not go on a connection that the server may be closing`() {
    let machine = Machine(limit: 2)
    let (one, two) = (Line(1), Line(2))
    _ = get(machine, 0)
    _ = connected(machine, one)
    _ = released(machine, one)
    #expect(post(machine, 1, at: 3) == "run 1 on 1")
    _ = released(machine, one, at: 3)
    #expect(post(machine, 2, at: 7) == "connect")
    #expect(get(machine, 3, at: 7) == "run 3 on 1", "a query may")
    #expect(connected(machine, two, at: 8) == "run 2 on 2")
  }

  @Test func `At the limit an idle one makes room for a submission`() {
    let machine = Machine(limit: 1)
    let (one, two) = (Line(1), Line(2))
    _ = get(machine, 0)
    _ = connected(machine, one)
    _ = released(machine, one)
    #expect(post(machine, 1, at: 10) == "replace 1" && connected(machine, two, at: 10) == "run 1 on 2")
  }

  @Test func `A connection that fails ends one request, and the others get another attempt`() {
    let machine = Machine(limit: 1)
    _ = (get(machine, 0), get(machine, 1))
    #expect(words(machine.connectFailed()) == "fail 0, connect" && words(machine.connectFailed()) == "fail 1")
    #expect(words(machine.connectFailed()) == "" && get(machine, 2) == "connect")
  }

  @Test func `A request whose connection had ended comes first for the next`() {
    let machine = Machine(limit: 1)
    let (one, two) = (Line(1), Line(2))
    _ = get(machine, 0)
    _ = connected(machine, one)
    _ = released(machine, one)
    #expect(post(machine, 1) == "run 1 on 1" && post(machine, 2) == "")
    #expect(words(machine.returned(1)) == "connect" && connected(machine, two) == "run 1 on 2")
    #expect(released(machine, two) == "run 2 on 2")
  }

  @Test func `One who does not wait any more leaves the connection to the next`() {
    let machine = Machine(limit: 1)
    _ = (get(machine, 0), get(machine, 1))
    #expect(machine.withdraw(0) && !machine.withdraw(0))
    let one = Line(1)
    #expect(connected(machine, one) == "run 1 on 1")
    _ = released(machine, one)
    _ = get(machine, 2)
    #expect(!machine.withdraw(2))
  }

  @Test func `What is idle for long enough ends, and no other`() {
    let machine = Machine(limit: 3)
    let lines = [Line(1), Line(2), Line(3)]
    for number in 0..<3 { _ = get(machine, number) }
    for line in lines { _ = connected(machine, line) }
    _ = released(machine, lines[0], at: 0)
    _ = released(machine, lines[1], at: 5)
    #expect(machine.nextEnd == Self.at(30) && machine.expired(now: Self.at(29)).isEmpty)
    #expect(machine.expired(now: Self.at(31)).map(\.number) == [1] && machine.nextEnd == Self.at(35))
    machine.idleEnded(lines[1])
    #expect(machine.nextEnd == nil && machine.idleCount == 0 && !machine.isEmpty)
  }

  @Test func `At the end nothing is begun any more`() {
    let machine = Machine(limit: 2)
    let (one, two) = (Line(1), Line(2))
    _ = get(machine, 0)
    _ = connected(machine, one)
    _ = (get(machine, 1), get(machine, 2))
    let rest = machine.shutDown()
    #expect(rest.requests == [1, 2] && rest.connections.isEmpty)
    #expect(
      get(machine, 3) == "fail 3" && connected(machine, two) == "close 2" && released(machine, one) == "close 1")
    #expect(words(machine.returned(4)) == "fail 4")
  }

  @Test(arguments: SplitMix64.seeds())
  func `Whatever happens, no connection has two requests, none is forgotten, and the limit holds`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let limit = 3
    let machine = Machine(limit: limit)
    var (connecting, next, made) = (0, 0, 0)
    var (waiting, working, idle) = (Set<Int>(), [Int: Line](), Set<Int>())
    var running: [Int: Int] = [:]
    func take(_ action: Machine.Action) {
      switch action.connection {
      case .none: break
      case .connect: connecting += 1
      case .close(let line): idle.remove(line.number)
      case .replace(let line):
        #expect(idle.remove(line.number) != nil)
        connecting += 1
      }
      switch action.request {
      case .none: break
      case .run(let request, let line):
        #expect(waiting.remove(request) != nil && working[line.number] == nil)
        idle.remove(line.number)
        (working[line.number], running[line.number]) = (line, request)
      case .fail(let request): #expect(waiting.remove(request) != nil)
      }
    }
    for time in 0..<2000 as Range<Int64> {
      switch Int.random(in: 0..<8, using: &random) {
      case 0, 1, 2:
        next += 1
        waiting.insert(next)
        take(machine.request(next, isSubmission: Bool.random(using: &random), now: Self.at(time)))
      case 3 where connecting > 0:
        (connecting, made) = (connecting - 1, made + 1)
        let line = Line(made)
        idle.insert(made)
        take(machine.connected(line, freshUntil: Self.at(time + 4), until: Self.at(time + 30)))
      case 4 where connecting > 0:
        connecting -= 1
        take(machine.connectFailed())
      case 5 where !working.isEmpty:
        let number = random.one(of: working.keys.sorted())
        guard let line = working.removeValue(forKey: number) else { continue }
        running[number] = nil
        idle.insert(number)
        take(machine.released(line, freshUntil: Self.at(time + 4), until: Self.at(time + 30)))
      case 6 where !working.isEmpty:
        let number = random.one(of: working.keys.sorted())
        working[number] = nil
        if let request = running.removeValue(forKey: number), Bool.random(using: &random) {
          waiting.insert(request)
          take(machine.returned(request))
        } else {
          take(machine.workingEnded())
        }
      case 7:
        for line in machine.expired(now: Self.at(time)) { #expect(idle.remove(line.number) != nil) }
      default: break
      }
      #expect(connecting + working.count + idle.count <= limit)
      #expect(machine.idleCount == idle.count)
      // Who waits has a connection coming, or all of them are at work.
      #expect(waiting.isEmpty || connecting > 0 || working.count + idle.count == limit)
    }
  }
}
