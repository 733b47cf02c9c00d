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
    abstract: "Decide about jobs that are held: whose submission has an unknown outcome, or whose task is lost.",
    discussion: "Nothing of this happens by itself, because it may cost money or lose what was paid for.")

  @Argument(help: ArgumentHelp("Prompts, or folders.", valueName: "file")) var files: [String] = []
  @Option(help: ArgumentHelp("This is its task: fetch what it made.", valueName: "task-id")) var adopt: String?
  @Flag(help: "Submit it again. If the first submission was accepted after all, both are paid for.")
  var resubmit = false
  @Flag(help: "Give it up.") var abandon = false
  @Option(help: "Only what is held for this reason, such as submission-outcome-unknown.") var reason: String?
  @Flag(help: "Everything that is held for the reason given.") var all = false
  @Flag(help: "Print the results as JSON.") var json = false
  @OptionGroup(title: "Settings") var settings: SettingsOptions

  private static let reasons: [HeldReason] = [
    .submissionOutcomeUnknown, .paidNotFetched, .paidNotUnderstood, .deadlinePassed, .taskLost, .taskOfAnother,
  ]

  func validate() throws {
    guard [adopt != nil, resubmit, abandon].count(where: { $0 }) == 1 else {
      throw ValidationError("Say one of --adopt TASK_ID, --resubmit and --abandon.")
    }
    if adopt != nil, all || files.count != 1 { throw ValidationError("--adopt is for one file.") }
    guard all != !files.isEmpty else { throw ValidationError("Name files or folders, or say --reason REASON --all.") }
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
      try DecisionOutput.finish(answers, json: json, nothing: "nothing is held for that")
    }
  }
}

/// `promptdrop approve`
struct Approve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Let prompts go on that wait for a person.",
    discussion:
      "Such as those held by the burst limit or by hold: true, and files that are held before they are taken. "
      + "A conflict copy is approved by its own name only.")

  @Argument(help: ArgumentHelp("Prompts, or folders.", valueName: "file")) var files: [String] = []
  @Flag(help: "Everything that waits so.") var all = false
  @Flag(help: "Print the results as JSON.") var json = false
  @OptionGroup(title: "Settings") var settings: SettingsOptions

  func validate() throws {
    guard all != !files.isEmpty else { throw ValidationError("Name files or folders, or say --all.") }
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
    abstract: "Try again what failed (a new submission), or what is paid for and could not be fetched (costs nothing).")

  @Argument(help: ArgumentHelp("Prompts, or folders.", valueName: "file")) var files: [String] = []
  @Flag(help: "Everything that failed.") var failed = false
  @Flag(help: "Print the results as JSON.") var json = false
  @OptionGroup(title: "Settings") var settings: SettingsOptions

  func validate() throws {
    guard failed != !files.isEmpty else { throw ValidationError("Name files or folders, or say --failed.") }
  }

  func run() async throws {
    try await withRefusals {
      let answers = try await CommandClient(configuration: try settings.resolve()).ask(
        CommandRequest(.retry), paths: files, needsRoots: true)
      try DecisionOutput.finish(answers, json: json, nothing: "nothing has failed")
    }
  }
}
