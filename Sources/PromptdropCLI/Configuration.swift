import Foundation
import Glibc
import JobCore
import PromptFile
import Yams

/// What is configured: flags before environment before files before defaults. Every value is checked here, and an error
/// says where the value came from.
struct Configuration: Sendable {
  private var values: [String: (text: String, from: String)] = [:]
  /// Things that look like settings and are none, for the log.
  private(set) var warnings: [String] = []
  /// The files that were read.
  private(set) var files: [String] = []
  /// `state-dir` as it was written, before "~" and its place were worked in; nil where it is not set.
  private(set) var stateAsWritten: String?

  /// Resolves the configuration: flags, environment, the user's file, the system's, defaults. `file` stands for both
  /// files. Throws `ConfigurationError`.
  init(
    flags: [String: String], file: String?, systemFile: String? = "/etc/promptdrop/promptdrop.yaml",
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(ConfigurationError) {
    for setting in Setting.all where !setting.standard.isEmpty {
      values[setting.name] = (setting.standard, "the default")
    }
    if file == nil { warnOfFormerFile(environment) }
    for path in file.map({ [$0] }) ?? [systemFile, Self.userFile(environment)].compactMap({ $0 }) {
      try read(path, mustExist: file != nil, environment)
    }
    // A variable that is set to nothing is not set: an empty value in a unit or a compose file must not lift a limit.
    for (name, value) in environment where name.hasPrefix("PROMPTDROP_") && !value.isEmpty {
      if let setting = Setting.all.first(where: { $0.variable == name }) {
        try set(setting, value, from: name, environment)
      } else if !Self.otherVariables.contains(where: name.hasPrefix) {
        let meant = Suggestion.nearest(to: name, in: Setting.all.map(\.variable)).map { " Did you mean \($0)?" } ?? ""
        warnings.append("The environment has the unknown variable \(name).\(meant)")
      }
    }
    for (name, value) in flags {
      guard let setting = Setting.all.first(where: { $0.name == name }) else { continue }
      if value.isEmpty { throw Self.emptyFlag(setting) }
      try set(setting, value, from: "--\(name)", environment)
    }
    for setting in Setting.all { try check(setting) }
  }

  private static func emptyFlag(_ setting: Setting) -> ConfigurationError {
    let lift = setting.none == nil ? "" : ", or say \"none\" to lift it"
    return ConfigurationError("--\(setting.name) is given without a value. Leave it out\(lift).")
  }

  // `folder`: where a relative path begins; nil: in the current folder.
  private mutating func set(
    _ setting: Setting, _ text: String, from place: String, _ environment: [String: String], in folder: String? = nil
  ) throws(ConfigurationError) {
    var value = text
    if text == "none", let lifted = setting.none { value = lifted }
    if case .path = setting.kind {
      value = try HomeFolder.expanded(text, environment)
      if let folder, !value.hasPrefix("/") { value = folder + "/" + value }
      if setting.name == "state-dir" { stateAsWritten = text }
    }
    values[setting.name] = (value, place)
  }

  // Not settings: the key itself, and what builds and tests use.
  private static let otherVariables: Set = ["PROMPTDROP_API_KEY", "PROMPTDROP_STRICT", "PROMPTDROP_TEST_"]

  private static func userFile(_ environment: [String: String]) -> String? {
    // Relative ones do not count, as the XDG Base Directory Specification says.
    let folder = environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
    return (folder ?? HomeFolder.path(environment).map { $0 + "/.config" }).map { $0 + "/promptdrop/promptdrop.yaml" }
  }

  // Up to version 0.1.0 a relative folder counted; whoever has limits in such a file has to know that they are not read.
  private mutating func warnOfFormerFile(_ environment: [String: String]) {
    guard let folder = environment["XDG_CONFIG_HOME"], !folder.isEmpty, !folder.hasPrefix("/") else { return }
    let former = FileManager.default.currentDirectoryPath + "/" + folder + "/promptdrop/promptdrop.yaml"
    guard FileManager.default.fileExists(atPath: former) else { return }
    warnings.append(
      "\(former) is not read: XDG_CONFIG_HOME is a relative path, which does not count. Name the file with --config, or "
        + "set XDG_CONFIG_HOME to an absolute path.")
  }

  private mutating func read(
    _ path: String, mustExist: Bool, _ environment: [String: String]
  ) throws(ConfigurationError) {
    guard FileManager.default.fileExists(atPath: path) else {
      if mustExist { throw ConfigurationError("The configuration file \(path) does not exist.") }
      return
    }
    let mapping: Node.Mapping
    do {
      let text = try String(contentsOfFile: path, encoding: .utf8)
      guard let node = try Yams.compose(yaml: text), node.null == nil else { return }
      guard let found = node.mapping else { throw ConfigurationError("\(path) is not a list of \"key: value\" lines.") }
      mapping = found
    } catch let error as ConfigurationError {
      throw error
    } catch {
      throw ConfigurationError("\(path) cannot be read: \(error)")
    }
    files.append(path)
    for (key, node) in mapping {
      let name = key.scalar?.string ?? "?"
      guard let setting = Setting.all.first(where: { $0.key == name }) else {
        let meant = Suggestion.nearest(to: name, in: Setting.all.map(\.key)).map { " Did you mean \"\($0)\"?" } ?? ""
        throw ConfigurationError(
          "\(path) has the unknown key \"\(name)\".\(meant) Known keys: \(Setting.all.map(\.key).joined(separator: ", "))."
        )
      }
      // A key without a value says nothing: what another file has set stays.
      guard node.null == nil else { continue }
      let parts = node.sequence?.compactMap(\.scalar?.string) ?? [node.scalar?.string].compactMap { $0 }
      let value = parts.joined(separator: ",")
      guard !value.isEmpty || node.sequence != nil else { continue }
      let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
      try set(setting, value, from: path, environment, in: folder)
    }
  }

  private func check(_ setting: Setting) throws(ConfigurationError) {
    guard let (text, from) = values[setting.name] else { return }
    func wrong(_ wanted: String) -> ConfigurationError {
      ConfigurationError("\(setting.name) is \"\(text)\" (from \(from)); it has to be \(wanted).")
    }
    switch setting.kind {
    case .patterns, .folderNames: try checkList(setting, from)
    case .text, .path:
      if text.isEmpty, setting.name == "model" { throw wrong("set") }
    case .duration:
      if DurationText.parse(text) == nil { throw wrong("a duration such as 500ms, 2s, 5m, 2h or 30d") }
    case .integer(let range):
      if text.isEmpty, setting.standard.isEmpty { return }
      guard let value = Int(text), range.contains(value) else {
        throw wrong("a whole number from \(range.lowerBound) to \(range.upperBound)")
      }
    case .choice(let words):
      if !words.contains(text) { throw wrong(words.joined(separator: " or ")) }
    case .credits:
      if !text.isEmpty, Credits(text) == nil { throw wrong("a plain number of credits, such as 12.5") }
    case .mode:
      guard let mode = Int(text, radix: 8), (0...0o777).contains(mode) else {
        throw wrong("permissions in octal, such as 0660")
      }
    case .url:
      if text.isEmpty, setting.name != "api-url" { return }
      // Schemes are case-insensitive.
      let scheme = text.firstRange(of: "://").map { text[..<$0.lowerBound].lowercased() }
      guard scheme == "http" || scheme == "https", let url = URL(string: text), url.host?.isEmpty == false else {
        throw wrong("an http or https URL")
      }
      guard url.port.map({ (1...65_535).contains($0) }) ?? true else {
        throw wrong("a URL with a port from 1 to 65535")
      }
      // The key goes along with every request.
      if setting.name == "api-url", scheme == "http", !Assembly.isThisMachine(text) {
        throw wrong("an https URL; http, which everybody on the way can read, is for this machine only (localhost)")
      }
    }
  }

  private func checkList(_ setting: Setting, _ from: String) throws(ConfigurationError) {
    do throws(JobError) {
      if case .patterns = setting.kind {
        try PromptReader.checkExclude(list(setting.name))
      } else {
        _ = try SkippedFolders(changes: list(setting.name))
      }
    } catch {
      throw ConfigurationError("\(setting.name) (from \(from)): \(error.message) \(error.hint ?? "")")
    }
  }

  /// A text; nil where nothing is set.
  func text(_ name: String) -> String? { values[name].flatMap { $0.text.isEmpty ? nil : $0.text } }
  /// A checked number. Zero for a name that is no number's.
  func integer(_ name: String) -> Int { text(name).flatMap { Int($0) } ?? 0 }
  /// A checked number; nil where nothing is set.
  func optionalInteger(_ name: String) -> Int? { text(name).flatMap { Int($0) } }
  /// A checked amount; nil where nothing is set.
  func credits(_ name: String) -> Credits? { text(name).flatMap { Credits($0) } }
  /// Checked permissions.
  func mode(_ name: String) -> mode_t { text(name).flatMap { mode_t($0, radix: 8) } ?? 0 }
  /// A checked duration; nil where nothing is set.
  func duration(_ name: String) -> Duration? { text(name).flatMap(DurationText.parse) }
  /// A list, empty where nothing is set. Commas separate, but for those in braces: `{a,b}` is told of as it was written.
  func list(_ name: String) -> [String] {
    let text = text(name) ?? ""
    var parts = [""]
    var depth = 0
    for character in text {
      depth = max(0, depth + (character == "{" ? 1 : character == "}" ? -1 : 0))
      if character == ",", depth == 0 { parts.append("") } else { parts[parts.count - 1].append(character) }
    }
    if depth > 0 { parts = text.split(separator: ",").map(String.init) }
    return parts.map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
  }
}

/// A configuration that cannot be used, in a sentence for the user.
struct ConfigurationError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
