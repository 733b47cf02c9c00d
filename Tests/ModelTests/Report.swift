import Foundation
import ProgramKit
import Testing

extension Game {
  /// Says what is wrong, what had been done to the files concerned, and what was submitted for them.
  func report(_ problems: [Problem]) {
    guard !problems.isEmpty else { return }
    let history = diary.about(problems.flatMap(\.stems))
    // Texts are told apart by their numbers.
    let ledger = bench.posts.filter { history.contains($0.prompt?.split(separator: "\n").first ?? "") }
    let names = Set(history.matches(of: /cat\d+/).map { "\($0.output).prompt" })
    let log = logs.joined().split(separator: "\n").filter { line in names.contains { line.contains($0) } }
    Issue.record(
      """
      \(context)
      \(problems.map(\.description).joined(separator: "\n"))
      --- what was done:
      \(history)
      --- what was submitted:
      \(ledger.map { "\($0.number) \(Request($0)) \($0.taskID ?? "-")" }.joined(separator: "\n"))
      --- what promptdrop says:
      \(log.joined(separator: "\n"))
      """)
  }

  // Of every agent that there was.
  private var logs: [String] { earlierLogs + [agent?.standardError ?? ""] }
}
