import JobCore
import NIOCore
import Synchronization

/// Keeps an answer's room taken while the pictures that came in it are not fetched: they are in memory as long. After a
/// minute the room is given back all the same, for not every picture is fetched.
final class InlineShares: Sendable {
  private struct Key: Hashable {
    var length: Int
    var beginning: [UInt8]
    var end: [UInt8]
    init(_ uri: String) {
      length = uri.utf8.count
      beginning = Array(uri.utf8.prefix(96))
      end = Array(uri.utf8.suffix(96))
    }
  }
  private let kept = Mutex<[Key: (AnswerBudget.Share, until: NIODeadline)]>([:])

  /// Keeps the room of what an answer brought.
  func keep(_ share: AnswerBudget.Share?, for outcome: QueryOutcome) {
    guard let share, case .report(let report) = outcome, case .succeeded(let items) = report.phase else { return }
    kept.withLock { kept in
      for case .inline(let uri) in items where uri.utf8.count > AnswerBudget.free {
        kept[Key(uri)] = (share, .now() + .seconds(60))
      }
    }
  }

  /// Gives the room of a picture back.
  func drop(_ uri: String) { kept.withLock { _ = $0.removeValue(forKey: Key(uri)) } }

  /// Gives back what nobody fetched.
  func tidy() {
    kept.withLock { kept in
      if !kept.isEmpty { kept = kept.filter { $0.value.until > .now() } }
    }
  }
}
