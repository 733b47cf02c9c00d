import ArgumentParser

/// `promptdrop once`
struct Once: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Work the folders off and exit, for cron and CI.")

  @Argument(help: ArgumentHelp("Folders to work off, with all below them.", valueName: "root"))
  var roots: [String]
  @Option(help: "Give up after this long, or when the next try is later (default: 1h; 0s: never).")
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
