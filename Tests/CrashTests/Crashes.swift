import Foundation
import ProgramKit
import TestKit
import Testing

/// Whatever fails, no prompt is lost and nothing is paid for twice by itself. The whole program is run, and the sandbox's
/// ledger of fully received POSTs is the judge.
///
/// One suite at a time: each of them keeps both processors busy by itself.
@Suite(.serialized) struct Crashes {}

/// How many points are tried, which, and how one of them is tried again.
enum Points {
  private static let environment = ProcessInfo.processInfo.environment

  /// The number of points of all tests together: `PROMPTDROP_TEST_POINTS`, about 300 unless given.
  static let total = environment["PROMPTDROP_TEST_POINTS"].flatMap(Int.init) ?? 300

  /// A test's part of them.
  static func share(_ percent: Int) -> Int { max(2, total * percent / 100) }

  /// What draws the sample: `PROMPTDROP_TEST_SEED`.
  static let seed = environment["PROMPTDROP_TEST_SEED"].flatMap(UInt64.init) ?? 1

  /// The one point that is wanted: `PROMPTDROP_TEST_POINT`.
  static let wanted = environment["PROMPTDROP_TEST_POINT"].flatMap { $0.isEmpty ? nil : $0 }

  /// A sample of `all`, or what is wanted of it; all of them, shuffled, where `count` is more.
  static func sample<T: CustomStringConvertible>(_ all: [T], _ count: Int) -> [T] {
    if let wanted { return all.filter { $0.description == wanted } }
    var random = SplitMix64(seed: seed)
    return Array(all.shuffled(using: &random).prefix(count))
  }

  /// Seeds of a test that draws its points itself.
  static func seeds(_ count: Int) -> [UInt64] {
    if let wanted { return UInt64(wanted).map { [$0] } ?? [] }
    return (0..<UInt64(count)).map { seed &* 1_000_003 &+ $0 }
  }

  /// How a point is tried again, for a failure's message.
  static func again(_ point: some CustomStringConvertible, _ test: String) -> String {
    "\(point), seed \(seed); again: PROMPTDROP_TEST_POINT='\(point)' PROMPTDROP_TEST_SEED=\(seed) "
      + "swift test --skip-build --filter '\(test)'"
  }

  /// Tries points side by side. What one throws is recorded, and the others go on.
  static func run<T: Sendable & CustomStringConvertible>(
    _ points: [T], _ test: String, width: Int = 3, _ body: @escaping @Sendable (T, String) async throws -> Void
  ) async {
    await withTaskGroup(of: Void.self) { group in
      var waiting = points.makeIterator()
      func next() {
        guard let point = waiting.next() else { return }
        group.addTask {
          let context = again(point, test)
          do { try await body(point, context) } catch { Issue.record("\(context): \(error)") }
        }
      }
      for _ in 0..<width { next() }
      while await group.next() != nil { next() }
    }
  }
}
