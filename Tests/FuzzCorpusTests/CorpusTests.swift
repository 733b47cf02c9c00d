import Foundation
import FuzzTargets
import TestKit
import Testing

/// What `Tests/run-fuzzers` keeps, run through the same checks in an ordinary build, and seeded damage to it.
@Suite struct CorpusTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fuzz/Corpus")

  /// The kept inputs of a target, by name.
  private static func corpus(of target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
    let files = try FileManager.default.contentsOfDirectory(
      at: folder.appending(path: target.name), includingPropertiesForKeys: nil)
    return try files.sorted { $0.path < $1.path }.map { ($0.lastPathComponent, Array(try Data(contentsOf: $0))) }
  }

  @Test(arguments: FuzzTarget.all.map(\.name))
  func `What is kept holds`(name: String) async throws {
    let target = try #require(FuzzTarget.all.first { $0.name == name })
    let corpus = try Self.corpus(of: target)
    #expect(corpus.count >= 8)
    for (file, bytes) in corpus {
      #expect(bytes.withUnsafeBytes(target.check) == nil, "\(name)/\(file)")
      await Task.yield()
    }
  }

  @Test(arguments: FuzzTarget.all.map(\.name), SplitMix64.seeds(1))
  func `Damage to it holds`(name: String, seed: UInt64) async throws {
    let target = try #require(FuzzTarget.all.first { $0.name == name })
    let corpus = try Self.corpus(of: target).map(\.bytes)
    var random = SplitMix64(seed: seed)
    var reported: Set<String> = []
    var slowest = Duration.zero
    for round in 0..<500 {
      let bytes = Array(random.damaged(random.one(of: corpus), with: corpus).prefix(target.maxLength))
      let start = Self.processorTime()
      let broken = bytes.withUnsafeBytes(target.check)
      slowest = max(slowest, Self.processorTime() - start)
      if let broken, reported.insert(String(broken.prefix(24))).inserted {
        Issue.record("seed \(seed), round \(round): \(broken), of \(Data(bytes).base64EncodedString())")
      }
      // Other tests want the threads too.
      if round % 20 == 0 { await Task.yield() }
    }
    #expect(slowest < .seconds(2))
  }

  @Test func `The corpus stays small`() throws {
    let sizes = try FuzzTarget.all.flatMap { try Self.corpus(of: $0).map(\.bytes.count) }
    #expect(sizes.allSatisfy { $0 < 65_536 } && sizes.reduce(0, +) < 1_000_000)
    let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
    #expect(Set(names) == Set(FuzzTarget.all.map(\.name)))
  }

  // Not the wall clock: that would count the tests that run at the same time.
  private static func processorTime() -> Duration {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }
}

extension SplitMix64 {
  /// Some bytes changed, cut, doubled, or taken from another input.
  fileprivate mutating func damaged(_ input: [UInt8], with others: [[UInt8]]) -> [UInt8] {
    var bytes = input
    for _ in 0...Int.random(in: 0..<4, using: &self) {
      guard !bytes.isEmpty else { return one(of: others) }
      let at = Int.random(in: bytes.indices, using: &self)
      let end = Int.random(in: at...min(bytes.count, at + 40), using: &self)
      switch Int.random(in: 0..<6, using: &self) {
      case 0: bytes[at] = UInt8.random(in: 0...255, using: &self)
      case 1: bytes[at] ^= 1 << UInt8.random(in: 0...7, using: &self)
      case 2: bytes.removeSubrange(at..<end)
      case 3: bytes.insert(contentsOf: bytes[at..<end], at: Int.random(in: 0...bytes.count, using: &self))
      case 4: bytes.removeSubrange(at...)
      default:
        let other = one(of: others)
        bytes.insert(contentsOf: other.suffix(Int.random(in: 0...min(40, other.count), using: &self)), at: at)
      }
    }
    return bytes
  }
}
