import Foundation
import Glibc
import JobCore
import PromptFile
import Yams

/// What is configured: flags before environment before files before defaults. Every value is checked here, and an error
/// says where the value came from.
@dynamicMemberLookup
struct Configuration: Sendable {
  private static let settings = Settings()
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
    let lift = setting.none == nil ? "" : ", or give \"none\" to remove it"
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
      if setting.name == Self.settings.stateDir.setting.name { stateAsWritten = text }
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
    case .patterns, .folderNames: try checkList(setting, ListText.parse(text), from)
    case .text, .path:
      if text.isEmpty, setting.name == Self.settings.model.setting.name { throw wrong("set") }
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
      let isService = setting.name == Self.settings.apiURL.setting.name
      if text.isEmpty, !isService { return }
      // Schemes are case-insensitive.
      let scheme = text.firstRange(of: "://").map { text[..<$0.lowerBound].lowercased() }
      guard scheme == "http" || scheme == "https", let url = URL(string: text), url.host?.isEmpty == false else {
        throw wrong("an http or https URL")
      }
      guard url.port.map({ (1...65_535).contains($0) }) ?? true else {
        throw wrong("a URL with a port from 1 to 65535")
      }
      // The key goes along with every request.
      if isService, scheme == "http", !Assembly.isThisMachine(text) {
        throw wrong("an https URL; http, which everybody on the way can read, is for this machine only (localhost)")
      }
    }
  }

  private func checkList(_ setting: Setting, _ entries: [String], _ from: String) throws(ConfigurationError) {
    do throws(JobError) {
      if case .patterns = setting.kind {
        try PromptReader.checkExclude(entries)
      } else {
        _ = try SkippedFolders(changes: entries)
      }
    } catch {
      throw ConfigurationError("\(setting.name) (from \(from)): \(error.message) \(error.hint ?? "")")
    }
  }

  /// A setting's checked value: `configuration.maxRequests`.
  subscript<Value>(dynamicMember key: KeyPath<Settings, SettingKey<Value>>) -> Value {
    let key = Self.settings[keyPath: key]
    return key.value(values[key.setting.name].flatMap { $0.text.isEmpty ? nil : $0.text })
  }
}

/// A configuration that cannot be used, in a sentence for the user.
struct ConfigurationError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
