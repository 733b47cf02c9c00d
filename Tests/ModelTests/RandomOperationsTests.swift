import Foundation
import TestKit
import Testing

/// Whatever people and their programs do to a folder, in whatever order: what stands there at rest has its picture,
/// nothing is paid for that no file ever asked for, nor more often than there were prompts with it, and nothing of
/// anybody's is lost.
///
/// A seed draws the same operations again; how they meet the agent is the machine's affair, so try it more than once.
@Suite struct RandomOperations {
  private static let filter = "ModelTests.RandomOperations"
  private static let environment = ProcessInfo.processInfo.environment
  /// How many operations, in all folders together: `PROMPTDROP_TEST_POINTS`.
  private static let points = environment["PROMPTDROP_TEST_POINTS"].flatMap(Int.init) ?? 400
  /// How many operations a folder lives through.
  private static let each = 80

  /// Folders side by side: a round is mostly waiting.
  @Test(.timeLimit(.minutes(600))) func everyPromptIsPaidForOnceAndHasItsPicture() async throws {
    let count = UInt64(max(1, Self.points / Self.each))
    let wanted = Self.environment["PROMPTDROP_TEST_SEED"].flatMap(UInt64.init)
    await withTaskGroup(of: Void.self) { group in
      var waiting = (wanted.map { $0...$0 } ?? 1...count).makeIterator()
      func next() {
        guard let seed = waiting.next() else { return }
        group.addTask { await Self.play(seed) }
      }
      for _ in 0..<3 { next() }
      while await group.next() != nil { next() }
    }
  }

  private static func play(_ seed: UInt64) async {
    let context = "seed \(seed); again: PROMPTDROP_TEST_SEED=\(seed) swift test --skip-build --filter '\(filter)'"
    do {
      var game = try await Game(seed: seed, context: context)
      try await game.play(each)
    } catch {
      Issue.record("\(context): \(error)")
    }
  }
}
