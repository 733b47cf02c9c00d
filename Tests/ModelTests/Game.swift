import Foundation
import ProgramKit
import TestKit
import Testing

/// One folder's life: rounds of operations, each with a rest at its end that is judged.
struct Game {
  let bench: Fixture
  private let folder: Folder
  var world = World()
  var judge: Judge
  var diary = Diary()
  private var random: SplitMix64
  var agent: ChildProcess?
  let context: String
  var earlierLogs: [String] = []

  private static let flags: [String: String?] = [
    "--settle": Folder.settle, "--burst-limit": "0", "--allow-private-results": "yes",
    "--copy-grace": "\(Folder.copyGrace.components.seconds)s",
  ]
  /// Deleting and renaming are believed when the old name has stayed away for two seconds.
  private static let rest = Duration.milliseconds(2500)

  init(seed: UInt64, context: String) async throws {
    bench = try await Fixture(delay: .milliseconds(300)) { ($0.imageWidth, $0.imageHeight) = (16, 12) }
    let outside = try TemporaryFolder()
    folder = Folder(root: bench.root, outside: outside)
    judge = Judge(bench, outside: outside)
    random = SplitMix64(seed: seed)
    self.context = context
  }

  /// Plays that many operations. Records what is wrong and ends there.
  mutating func play(_ operations: Int) async throws {
    try await start()
    var rest = operations
    while rest > 0 {
      let count = min(rest, 12 + Int(random.next() % 20))
      rest -= count
      for _ in 0..<count {
        try await perform(world.draw(&random))
        try await pause()
      }
      guard try await judgeRest() else { return }
    }
    try await end()
  }

  // Nothing is waited for: what is quick and what is not is to be mixed.
  private mutating func pause() async throws {
    let length = random.one(of: [0, 0, 0, 0, 0, 10, 60, 250, 700])
    if length > 0 { try await Task.sleep(for: .milliseconds(length)) }
  }

  private mutating func start() async throws {
    let agent = try bench.start("watch", Self.flags)
    try await eventually(within: .seconds(30), "the agent watches: \(agent.standardError)") {
      agent.standardError.contains("watches \(bench.root.path)")
    }
    self.agent = agent
    world.isRunning = true
  }

  private mutating func perform(_ operation: Operation) async throws {
    var took = Duration.zero
    do {
      switch operation {
      case .killAgent, .stopAgent: try await endAgent(by: operation.signal)
      case .startAgent: try await start()
      case .deleteAll(let place), .removeTree(let place):
        try judge.forgetPictures(place)
        took = try await folder.perform(operation, world)
      default: took = try await folder.perform(operation, world)
      }
    } catch {
      throw OperationFailed(description: "\(context): \(operation): \(error)\n\(diary.about(operation.stems))")
    }
    diary.note(operation, took: took, from: world.origins(of: operation))
    world.apply(operation, inOneGo: took < Folder.instant(operation))
  }

  private mutating func endAgent(by signal: Int32) async throws {
    guard let agent else { return }
    agent.terminate(signal)
    let run = try await bench.end(of: agent)
    earlierLogs.append(run.log)
    self.agent = nil
    #expect(run.code == (signal == SIGKILL ? -SIGKILL : 0), "\(context): \(run)")
  }

  // False: it was not as it has to be.
  private mutating func judgeRest() async throws -> Bool {
    if !world.isRunning { try await start() }
    diary.note("rest")
    let earliest = ContinuousClock.now + Self.rest
    do {
      try await eventually(within: .seconds(20), "\(context): all is done") {
        guard .now >= earliest else { return false }
        if try judge.problems(world, quick: true).isEmpty { return try await judge.isNothingInFlight() }
        if world.wasKilled { try await judge.resolveDoubts(world) }
        return false
      }
    } catch {
      let problems = try judge.problems(world, quick: false)
      report(problems.isEmpty ? [Problem(stems: [], description: "status tells of jobs in flight")] : problems)
      return false
    }
    let lost = try judge.checkPictures()
    report(lost)
    world.rest(paid: judge.paid())
    diary.note("at rest")
    return lost.isEmpty
  }

  // After a restart all is as it was: nothing is submitted, nothing is left over.
  private mutating func end() async throws {
    try await endAgent(by: SIGTERM)
    try await start()
    guard try await judgeRest() else { return }
    try await endAgent(by: SIGTERM)
    let left = try judge.files().filter { $0.hasSuffix(".tmp") }
    #expect(left.isEmpty, "\(context): left over: \(left)\n\(diary.about([]))")
    #expect(bench.sandbox.counters().leakedKeys == 0, "\(context)")
  }
}

extension Operation {
  fileprivate var signal: Int32 {
    if case .killAgent = self { SIGKILL } else { SIGTERM }
  }
}
