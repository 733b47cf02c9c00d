import ArgumentParser

/// `promptdrop watch`
struct Watch: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Take what is in the folders and what arrives, until stopped.")

  @Argument(help: ArgumentHelp("Folders to watch, with all below them.", valueName: "root"))
  var roots: [String]
  @OptionGroup(title: "Settings") var settings: SettingsOptions

  func run() async throws {
    try await AgentRun(configuration: try settings.resolve(), roots: roots, mode: .watch).runAndExit()
  }
}
