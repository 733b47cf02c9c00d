import Foundation

/// Where the journal is kept.
enum StatePlace {
  /// The folder of the journal: `state-dir`, `$STATE_DIRECTORY` (systemd's; of several the first),
  /// `$XDG_STATE_HOME/promptdrop` (absolute only, as the XDG Base Directory Specification says),
  /// `~/.local/state/promptdrop`. Throws `ConfigurationError` where none can be named, and where an earlier version, by
  /// its rules, kept a journal elsewhere: an agent without it could pay for everything again.
  static func path(
    _ configuration: Configuration, environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(ConfigurationError) -> String {
    let place = try present(configuration, environment)
    let earlier = former(configuration, environment).map(absolute)
    if let earlier, earlier != absolute(place), hasJournal(earlier), !hasJournal(place) {
      throw ConfigurationError(
        "The journal would be kept in \(place), where there is none; an earlier version kept one in \(earlier). "
          + "Move that folder to \(place), or name it with --state-dir.")
    }
    return place
  }

  // Foundation's URLs take "~" for the home folder, as an earlier version did not.
  private static func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
  }

  private static func present(
    _ configuration: Configuration, _ environment: [String: String]
  ) throws(ConfigurationError) -> String {
    if let path = configuration.stateDir { return path }
    if let path = environment["STATE_DIRECTORY"]?.split(separator: ":").first { return String(path) }
    if let folder = environment["XDG_STATE_HOME"], folder.hasPrefix("/") { return folder + "/promptdrop" }
    guard let home = HomeFolder.path(environment) else { throw HomeFolder.missing("the journal would be kept in it") }
    return home + "/.local/state/promptdrop"
  }

  // Up to version 0.1.0 values were taken as they stood: relative to the current folder, "~" and ":" included, and a
  // variable that was set to nothing counted.
  private static func former(_ configuration: Configuration, _ environment: [String: String]) -> String? {
    if let path = configuration.stateAsWritten { return path }
    if let path = environment["STATE_DIRECTORY"] { return path.isEmpty ? nil : path }
    if let folder = environment["XDG_STATE_HOME"] { return folder + "/promptdrop" }
    return environment["HOME"].map { $0 + "/.local/state/promptdrop" }
  }

  private static func hasJournal(_ folder: String) -> Bool {
    FileManager.default.fileExists(atPath: folder + "/journal.sqlite")
  }
}
