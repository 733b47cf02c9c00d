import Agent
import ArgumentParser
import Foundation
import JobCore

/// Prints what became of each file, and ends with 1 where something was not done.
enum DecisionOutput {
  static func finish(_ answers: [CommandClient.Answer], json: Bool, nothing: String) throws {
    let results = answers.flatMap(\.reply.files)
    if json {
      Output.print(try Output.json(results))
    } else {
      for result in results {
        let line = Output.plain("\(result.file): \(result.message)") + "\n"
        if result.ok { Output.print(line) } else { Output.complain(line) }
      }
    }
    let errors = answers.compactMap(\.reply.error)
    for error in errors { AgentRun.complain(error) }
    if !errors.isEmpty { throw ExitCodes.inputOutput }
    if results.isEmpty {
      if !json { Output.complain("promptdrop: \(nothing)\n") }
      throw ExitCodes.needsUser
    }
    if results.contains(where: { !$0.ok }) { throw ExitCodes.needsUser }
  }
}

/// `promptdrop resolve`
struct Resolve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Decide about held prompts whose submission has an unknown outcome, or whose paid picture did not come.",
    discussion: "promptdrop never decides this by itself, because it may cost money or lose what was paid for.")

  @Argument(help: ArgumentHelp("Prompts, or folders.", valueName: "file")) var files: [String] = []
  @Option(help: ArgumentHelp("The prompt was accepted as this task: fetch its picture.", valueName: "task-id"))
  var adopt: String?
  @Flag(help: "Submit it again. If the first submission was accepted after all, you pay for both.")
  var resubmit = false
  @Flag(help: "Give it up.") var abandon = false
  @Option(help: "Only prompts that are held for this reason, such as submission-outcome-unknown.") var reason: String?
  @Flag(help: "All prompts that are held for the given reason.") var all = false
  @Flag(help: "Print the results as JSON.") var json = false
  @OptionGroup(title: "Settings") var settings: SettingsOptions

  private static let reasons: [HeldReason] = [
    .submissionOutcomeUnknown, .paidNotFetched, .paidNotUnderstood, .deadlinePassed, .taskLost, .taskOfAnother,
  ]

  func validate() throws {
    guard [adopt != nil, resubmit, abandon].count(where: { $0 }) == 1 else {
      throw ValidationError("Give one of --adopt TASK_ID, --resubmit and --abandon.")
    }
    if adopt != nil, all || files.count != 1 { throw ValidationError("--adopt is for one file.") }
    guard all != !files.isEmpty else { throw ValidationError("Name files or folders, or use --reason REASON --all.") }
    if all, reason == nil { throw ValidationError("--all needs --reason.") }
    if let reason, !Self.reasons.contains(where: { $0.rawValue == reason }) {
      throw ValidationError("--reason has to be one of \(Self.reasons.map(\.rawValue).joined(separator: ", ")).")
    }
  }

  func run() async throws {
    let decision: CommandRequest.Decision =
      if let adopt { .adopt(taskID: adopt) } else if resubmit { .resubmit } else { .abandon }
    try await withRefusals {
      let answers = try await CommandClient(configuration: try settings.resolve()).ask(
        CommandRequest(.resolve, decision: decision, reason: reason), paths: files, needsRoots: true)
      try DecisionOutput.finish(answers, json: json, nothing: "nothing is held for this reason")
    }
  }
}

/// `promptdrop approve`
struct Approve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Approve prompts that wait for it.",
    discussion:
      "They were held by the burst limit or by hold: true, or their files are unclear. A conflict copy is approved by its "
      + "own name only.")

  @Argument(help: ArgumentHelp("Prompts, or folders.", valueName: "file")) var files: [String] = []
  @Flag(help: "All prompts that wait for approval.") var all = false
  @Flag(help: "Print the results as JSON.") var json = false
  @OptionGroup(title: "Settings") var settings: SettingsOptions

  func validate() throws {
    guard all != !files.isEmpty else { throw ValidationError("Name files or folders, or use --all.") }
  }

  func run() async throws {
    try await withRefusals {
      let answers = try await CommandClient(configuration: try settings.resolve()).ask(
        CommandRequest(.approve), paths: files, needsRoots: true)
      try DecisionOutput.finish(answers, json: json, nothing: "nothing waits for approval")
    }
  }
}

/// `promptdrop retry`
struct Retry: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Submit again what failed, or fetch again what is paid for (costs nothing).")

  @Argument(help: ArgumentHelp("Prompts, or folders.", valueName: "file")) var files: [String] = []
  @Flag(help: "All prompts that failed.") var failed = false
  @Flag(help: "Print the results as JSON.") var json = false
  @OptionGroup(title: "Settings") var settings: SettingsOptions

  func validate() throws {
    guard failed != !files.isEmpty else { throw ValidationError("Name files or folders, or use --failed.") }
  }

  func run() async throws {
    try await withRefusals {
      let answers = try await CommandClient(configuration: try settings.resolve()).ask(
        CommandRequest(.retry), paths: files, needsRoots: true)
      try DecisionOutput.finish(answers, json: json, nothing: "nothing has failed")
    }
  }
}
