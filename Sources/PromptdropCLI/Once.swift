import ArgumentParser

/// `promptdrop once`
struct Once: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Process the folders and exit, for cron and CI.")

  @Argument(help: ArgumentHelp("Folders to process, with all below them.", valueName: "root"))
  var roots: [String]
  @Option(help: "Time after which it ends, even if files still wait (default: 1h; 0s: no limit).")
  var timeout = "1h"
  @OptionGroup(title: "Settings") var settings: SettingsOptions

  func validate() throws {
    guard DurationText.parse(timeout) != nil else {
      throw ValidationError("--timeout has to be a duration such as 90s or 1h.")
    }
  }

  func run() async throws {
    let limit = DurationText.parse(timeout).flatMap { $0 == .zero ? nil : $0 }
    try await AgentRun(configuration: try settings.resolve(), roots: roots, mode: .once, onceTimeout: limit)
      .runAndExit()
  }
}
