import Agent
import ArgumentParser
import Foundation
import JobCore

/// `promptdrop plan`
struct PlanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "Show what a run would submit and cost, without doing it.",
    discussion: "Exit code 2: there is something to submit. 0: nothing.")

  @Argument(help: ArgumentHelp("Folders, as they are given to watch or once.", valueName: "root")) var roots: [String]
  @Flag(help: "Print it as JSON, schema promptdrop.plan/1.") var json = false
  @OptionGroup(title: "Settings") var settings: SettingsOptions

  func run() async throws {
    try await withRefusals {
      let answers = try await CommandClient(configuration: try settings.resolve()).ask(
        CommandRequest(.plan), paths: roots, needsRoots: true)
      var pictures = 0
      for answer in answers {
        guard let plan = answer.reply.plan else {
          throw Assembly.Refusal(answer.reply.error ?? "The agent gave no answer.", ExitCodes.inputOutput.rawValue)
        }
        pictures += plan.pictures
        Output.print(json ? try Output.json(plan) : Self.text(plan))
      }
      if pictures > 0 { throw ExitCode(2) }
    }
  }

  static func text(_ plan: PlanReport) -> String {
    var lines = plan.items.map { item in
      var line = "\(item.why)  \(item.file)"
      if item.pictures > 0 {
        let what = [item.model, item.size].compactMap { $0 }.joined(separator: " ")
        line += ": \(item.pictures) \(item.pictures == 1 ? "picture" : "pictures"), \(what)"
        line += item.price.map { ", \($0) credits each" } ?? ", price unknown"
      } else if let message = item.message {
        line += ": \(message)"
      }
      return line
    }
    var total = "\(plan.pictures) \(plan.pictures == 1 ? "picture" : "pictures") to submit, \(plan.credits) credits"
    if plan.unpriced > 0 { total += " and \(plan.unpriced) of unknown price" }
    lines.append(total)
    for place in plan.not_taken ?? [] { lines += ["\(place.message)"] + (place.hint.map { ["  \($0)"] } ?? []) }
    if plan.held_by_burst_limit > 0 {
      lines.append("\(plan.held_by_burst_limit) prompts would be held by the burst limit, until `promptdrop approve`.")
    }
    if let pictures = plan.waits_for_daily_limit, pictures > 0, let why = plan.daily_limit {
      lines.append("\(pictures) of them would wait for the next day (UTC): \(why)")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
