import Foundation
import ProgramKit
import TestKit
import Testing

/// What happened to the journal while nobody looked.
enum Damage: String, CaseIterable, Sendable {
  case bitInDatabase, byteInDatabase, bitInLog, byteInLog
  case databaseCut, logCut, databaseEmptied
  case databaseGone, logGone, allGone
  case olderCopy, olderDatabase
}

/// A damage and the seed of its place.
struct DamagePoint: CustomStringConvertible, Sendable {
  let damage: Damage
  let seed: UInt64
  var description: String { "\(damage.rawValue) \(seed)" }
}

extension Crashes {
  @Suite struct JournalDamage {
    private static let filter = "CrashTests.Crashes/JournalDamage"
    private static let journal = ["journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm"]
    private static let names = ["first", "second", "flying", "unknown", "waiting"]

    /// Whatever became of the journal, nothing is submitted again: it is refused with words that help, or gone on with.
    @Test(.timeLimit(.minutes(60))) func nothingIsPaidAgain() async throws {
      // Damage to single bits is what has many places; of the others a few suffice.
      let each = max(1, Points.share(14) / Damage.allCases.count)
      var points = Damage.allCases.flatMap { damage in
        (0..<UInt64(each)).map { DamagePoint(damage: damage, seed: Points.seed &* 1000 &+ $0) }
      }
      if let wanted = Points.wanted {
        let words = wanted.split(separator: " ").map(String.init)
        points =
          words.count == 2
          ? Damage(rawValue: words[0]).flatMap { kind in UInt64(words[1]).map { [DamagePoint(damage: kind, seed: $0)] }
          } ?? []
          : []
      }
      await Points.run(points, Self.filter, width: 2) { point, context in try await Self.attempt(point, context) }
    }

    // The query that hangs may be met by either process.
    private static let patience = ["--query-timeout": "1s"]

    private static func attempt(_ point: DamagePoint, _ context: String) async throws {
      var random = SplitMix64(seed: point.seed)
      let bench = try await Fixture(["first": "first"])
      // What is in the log covers what is in the database: a clean stop moves all of it there.
      let isClean = [.bitInDatabase, .byteInDatabase, .databaseCut].contains(point.damage) && random.percent(70)
      try await interruptedRun(bench, by: isClean ? SIGTERM : SIGKILL)
      let pictures = try ["first.png", "second.png"].map { try bench.root.bytes($0) }
      let posts = bench.posts.count
      let what = try apply(point.damage, to: bench, &random)

      var reported = ""
      var last = try await bench.once(patience)
      if last.code == 74 {
        // It fails closed. What its message says is done, and it has to be enough.
        reported = "\n\(last)"
        #expect(last.log.contains("journal"), "\(context), \(what): \(last)")
        for name in journal where bench.home.exists("state/\(name)") { try bench.home.remove("state/\(name)") }
        let backup = "state/journal-backup.sqlite"
        if bench.home.exists(backup), random.percent(50) {
          reported += "\nthe daily copy is put in its place"
          try bench.home.write("state/journal.sqlite", bytes: try bench.home.bytes(backup))
        }
        last = try await bench.once(patience)
      }
      let oracle = bench.oracle(names, "\(context), \(what)\(reported)")
      let held = try oracle.checkEnd(after: last, mayBeHeld: { $0 == "unknown" })
      #expect(held == ["unknown"], "\(context), \(what)\(reported)\n\(last)")
      #expect(bench.posts.count <= posts + 1, "\(context), \(what)\(reported)\n\(last)")
      for (name, picture) in zip(["first.png", "second.png"], pictures) {
        #expect(try bench.root.bytes(name) == picture, "\(context), \(what): \(name)\(reported)")
      }
    }

    /// Two pictures are done, a task is at the service, an outcome is unknown, a prompt waits. Then the process is ended.
    /// Before the second picture the journal was copied to `old`.
    private static func interruptedRun(_ bench: Fixture, by signal: Int32) async throws {
      let agent = try bench.start("watch", ["--submissions-per-minute": "4"])
      try await bench.waitFor("first", "done")
      try bench.home.makeFolder("old")
      for name in journal where bench.home.exists("state/\(name)") {
        try bench.home.write("old/\(name)", bytes: try bench.home.bytes("state/\(name)"))
      }
      try bench.root.write("second.prompt", "second")
      try bench.root.write("flying.prompt", "flying [sandbox: query-hang:1]")
      try bench.root.write("unknown.prompt", "unknown [sandbox: submit-no-answer:1]")
      try await bench.waitFor("second", "done")
      try await bench.waitFor("flying", "submitted")
      try await bench.waitFor("unknown", "held")
      try bench.root.write("waiting.prompt", "waiting")
      // Its name is in the journal's log once it was taken.
      let name = Data("waiting.prompt".utf8)
      try await eventually(within: .seconds(20), "the last prompt was taken: \(agent.standardError)") {
        Data(try bench.home.bytes("state/journal.sqlite-wal")).range(of: name) != nil
      }
      #expect(bench.posts.count == 4)
      agent.terminate(signal)
      try await agent.wait()
    }

    private static func apply(_ damage: Damage, to bench: Fixture, _ random: inout SplitMix64) throws -> String {
      func change(_ name: String, _ edit: (inout [UInt8], inout SplitMix64) -> String) throws -> String {
        var bytes = try bench.home.bytes("state/\(name)")
        let what = edit(&bytes, &random)
        try bench.home.write("state/\(name)", bytes: bytes)
        return "\(name) of \(bytes.count) bytes: \(what)"
      }
      func flip(_ name: String, bits: Bool) throws -> String {
        try change(name) { bytes, random in
          guard !bytes.isEmpty else { return "empty already" }
          let place = Int.random(in: bytes.indices, using: &random)
          let mask =
            bits ? UInt8(1) << UInt8.random(in: 0...7, using: &random) : UInt8.random(in: 1...255, using: &random)
          bytes[place] ^= mask
          return "byte \(place) ^ \(mask)"
        }
      }
      func cut(_ name: String) throws -> String {
        try change(name) { bytes, random in
          bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random)))
          return "cut"
        }
      }
      func remove(_ names: [String]) throws -> String {
        for name in names where bench.home.exists("state/\(name)") { try bench.home.remove("state/\(name)") }
        return "\(names) removed"
      }
      let (database, log) = (journal[0], journal[1])
      switch damage {
      case .bitInDatabase, .byteInDatabase:
        return try flip(database, bits: damage == .bitInDatabase)
      case .bitInLog: return try flip(log, bits: true)
      case .byteInLog: return try flip(log, bits: false)
      case .databaseCut: return try cut(database)
      case .logCut: return try cut(log)
      case .databaseEmptied:
        return try change(database) { bytes, _ in
          bytes = []; return "emptied"
        }
      case .databaseGone: return try remove([database])
      case .logGone: return try remove([log])
      case .allGone: return try remove(journal)
      case .olderCopy, .olderDatabase:
        let gone = try remove(journal)
        for name in damage == .olderCopy ? journal : [database] where bench.home.exists("old/\(name)") {
          try bench.home.write("state/\(name)", bytes: try bench.home.bytes("old/\(name)"))
        }
        return gone + ", older ones in their place"
      }
    }
  }
}
