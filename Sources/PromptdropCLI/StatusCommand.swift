import Agent
import ArgumentParser
import Foundation
import JobCore

/// `promptdrop status`
struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show counts, what is in progress, what waits and why, and what today costs.")

  @Argument(
    help: ArgumentHelp(
      "A watched folder, or one below it. Without it: the agent of the state folder.", valueName: "folder"))
  var folder: String?
  @Flag(help: "Print it as JSON, schema promptdrop.agent-status/1.") var json = false
  @OptionGroup(title: "Settings") var settings: SettingsOptions

  func run() async throws {
    try await withRefusals {
      let answers = try await CommandClient(configuration: try settings.resolve()).ask(
        CommandRequest(.status), paths: folder.map { [$0] } ?? [], needsRoots: false)
      for answer in answers {
        guard var status = answer.reply.status else {
          throw Assembly.Refusal(answer.reply.error ?? "The agent gave no answer.", ExitCodes.inputOutput.rawValue)
        }
        status.pid = answer.pid
        Output.print(json ? try Output.json(status) : Self.text(status))
      }
    }
  }

  static func text(_ status: StatusReport) -> String {
    var lines: [String] = []
    lines.append(
      status.pid.map { "promptdrop \(status.version) runs (process \($0))" }
        ?? "No agent runs; this is what the journal knows.")
    if status.pid == nil || status.folders.isEmpty {
      for root in status.roots where !status.folders.contains(where: { $0.path == root }) {
        lines.append("  watches \(root)")
      }
    }
    for folder in status.folders {
      let kind = folder.filesystem.map { ", \($0)" } ?? ""
      switch folder.mode {
      case "inotify": lines.append("  watches \(folder.path) (inotify\(kind))")
      case "polling":
        let interval = folder.interval.map { ", every \(Duration.milliseconds(Int64($0 * 1000)).brief)" } ?? ""
        lines.append("  scans \(folder.path) (polling\(kind)\(interval))")
      case "gone", "unreadable": lines.append("  waits for \(folder.path)")
      default: lines.append("  takes nothing in \(folder.path)")
      }
      if let message = folder.message { lines.append("    \(message)") }
      if let hint = folder.hint { lines.append("    \(hint)") }
      for unseen in folder.unseen_writers ?? [] {
        lines.append("    \(unseen.message)")
        if let hint = unseen.hint { lines.append("    \(hint)") }
      }
    }
    let counts = StateName.allCases.compactMap { state in
      status.counts[state.rawValue].flatMap { $0 > 0 ? "\($0) \(state.rawValue)" : nil }
    }
    lines.append("Prompts: " + (counts.isEmpty ? "none" : counts.joined(separator: ", ")))
    if status.settling > 0 { lines.append("\(status.settling) more have just arrived and are not read yet") }
    for kept in status.kept {
      guard let message = kept.message else {
        lines.append("kept  \(kept.picture), until \(kept.file) is back")
        continue
      }
      lines.append("kept  \(kept.picture), the picture of \(kept.file): \(message)")
      if let hint = kept.hint { lines.append("  \(hint)") }
    }
    let noun = status.today.submissions == 1 ? "submission" : "submissions"
    var today = "Today (\(status.today.day), UTC): \(status.today.submissions) \(noun)"
    if let limit = status.today.submission_limit { today += " of \(limit)" }
    today += ", \(status.today.credits) credits used or reserved"
    if let limit = status.today.credit_limit { today += " of \(limit)" }
    lines.append(today)
    for stop in status.stops {
      lines.append("Nothing is submitted: \(stop.message)" + (stop.until.map { " Until \($0)." } ?? ""))
      if let hint = stop.hint { lines.append("  \(hint)") }
    }
    for job in status.in_flight {
      let tasks = job.tasks.isEmpty ? "" : " (\(job.tasks.joined(separator: ", ")))"
      lines.append("\(job.state)  \(job.file)\(tasks)" + (job.service_status.map { ": \($0)" } ?? ""))
      if let message = job.message { lines.append("  \(message)") }
    }
    for job in status.waiting {
      var line = "\(job.state)  \(job.file)"
      if let message = job.message ?? job.reason { line += ": \(message)" }
      if let until = job.until { line += " Until \(until)." }
      lines.append(line)
      if let hint = job.hint { lines.append("  \(hint)") }
      for url in job.urls ?? [] { lines.append("  picture: \(url)") }
    }
    if status.waiting_more > 0 { lines.append("… and \(status.waiting_more) more") }
    return lines.map { Output.plain($0) + "\n" }.joined()
  }
}
