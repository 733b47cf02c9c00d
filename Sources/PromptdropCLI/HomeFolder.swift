import Glibc

/// The user's home folder, and paths that begin with it.
enum HomeFolder {
  /// `$HOME`, else what the password database says; nil where neither names one, as for a user of a container that has no
  /// entry.
  static func path(_ environment: [String: String]) -> String? {
    if let home = set(environment["HOME"]), home.hasPrefix("/") { return home }
    guard let entry = getpwuid(getuid()), let folder = entry.pointee.pw_dir else { return nil }
    let home = String(cString: folder)
    return home.hasPrefix("/") ? home : nil
  }

  /// `~` and `~/x` with the home folder in their place, `~user/x` with that user's; every other path as it is. Throws
  /// `ConfigurationError` where there is no such folder.
  static func expanded(_ path: String, _ environment: [String: String]) throws(ConfigurationError) -> String {
    guard path.hasPrefix("~") else { return path }
    let user = path.dropFirst().prefix { $0 != "/" }
    let rest = path.dropFirst(1 + user.count)
    if user.isEmpty {
      guard let home = Self.path(environment) else { throw missing("the path \(path) begins with it") }
      return home + rest
    }
    guard let entry = getpwnam(String(user)), let folder = entry.pointee.pw_dir else {
      throw ConfigurationError("There is no user \"\(user)\", whose home folder the path \(path) names.")
    }
    return String(cString: folder) + rest
  }

  /// What is said where a home folder is needed and there is none.
  static func missing(_ why: String) -> ConfigurationError {
    ConfigurationError(
      "There is no home folder: HOME is not set, and user \(getuid()) has no entry in the password database; \(why). "
        + "Set HOME, or name the folder of the journal with --state-dir or STATE_DIRECTORY.")
  }

  /// A variable that is set to nothing counts as one that is not set.
  static func set(_ value: String?) -> String? { value.flatMap { $0.isEmpty ? nil : $0 } }
}
