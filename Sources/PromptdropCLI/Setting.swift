import JobCore

/// One thing that can be set: as a flag, in the environment, in a configuration file.
struct Setting: Sendable {
  /// What a value looks like.
  enum Kind: Sendable {
    case text, path, duration, integer(ClosedRange<Int>), choice([String])
    /// Patterns of `exclude`, separated by commas.
    case patterns
    /// Changes to the names of folders that are skipped, separated by commas.
    case folderNames
    /// A plain decimal number of credits.
    case credits
    /// File permissions, octal.
    case mode
    /// A URL, http or https.
    case url
  }

  /// The flag without its dashes: `max-requests`.
  let name: String
  /// Where nothing is set; empty: none.
  let standard: String
  let kind: Kind
  /// One line for the user.
  let help: String
  /// What the word `none` stands for, where a value may be taken away; nil: it is a value like any other.
  let none: String?

  /// `PROMPTDROP_MAX_REQUESTS`
  var variable: String { "PROMPTDROP_" + name.uppercased().replacing("-", with: "_") }
  /// `max_requests`, in `promptdrop.yaml`.
  var key: String { name.replacing("-", with: "_") }

  /// Every setting, in the order of the README's table.
  static let all: [Setting] = Mirror(reflecting: Settings()).children.compactMap {
    ($0.value as? any IsSetting)?.setting
  }
}

/// What every `SettingKey` is, whatever its value.
protocol IsSetting: Sendable {
  var setting: Setting { get }
}

/// A setting with the type of its value: what is looked up exists, and is never read as something else.
struct SettingKey<Value: Sendable>: IsSetting {
  let setting: Setting
  /// The value of a checked text; nil: nothing is set.
  let value: @Sendable (String?) -> Value
}

extension SettingKey where Value == String? {
  /// A text; nil where nothing is set.
  static func text(_ name: String, kind: Setting.Kind = .text, none: String? = nil, _ help: String) -> Self {
    Self(setting: Setting(name: name, standard: "", kind: kind, help: help, none: none)) { $0 }
  }
}

extension SettingKey where Value == String {
  /// A text that always has a value.
  static func text(_ name: String, _ standard: String, kind: Setting.Kind = .text, _ help: String) -> Self {
    Self(setting: Setting(name: name, standard: standard, kind: kind, help: help, none: nil)) { $0 ?? standard }
  }
}

extension SettingKey where Value == Int {
  /// A whole number. `isLimit`: the word `none` stands for 0, which means no limit.
  static func integer(
    _ name: String, _ standard: Int, _ range: ClosedRange<Int>, isLimit: Bool = false, _ help: String
  ) -> Self {
    let setting = Setting(
      name: name, standard: "\(standard)", kind: .integer(range), help: help, none: isLimit ? "0" : nil)
    return Self(setting: setting) { $0.flatMap { Int($0) } ?? standard }
  }
}

extension SettingKey where Value == Int? {
  /// A limit that is a whole number; nil: no limit.
  static func limit(_ name: String, _ range: ClosedRange<Int>, _ help: String) -> Self {
    let setting = Setting(name: name, standard: "", kind: .integer(range), help: help, none: "")
    return Self(setting: setting) { $0.flatMap { Int($0) } }
  }
}

extension SettingKey where Value == Credits? {
  /// An amount of credits; nil where nothing is set.
  static func credits(_ name: String, _ help: String) -> Self {
    Self(setting: Setting(name: name, standard: "", kind: .credits, help: help, none: "")) {
      $0.flatMap { Credits($0) }
    }
  }
}

extension SettingKey where Value == Duration {
  /// A duration.
  static func duration(_ name: String, _ standard: Duration, _ help: String) -> Self {
    let text = DurationText.written(standard)
    return Self(setting: Setting(name: name, standard: text, kind: .duration, help: help, none: nil)) {
      $0.flatMap(DurationText.parse) ?? standard
    }
  }
}

extension SettingKey where Value == Duration? {
  /// A duration; nil where nothing is set.
  static func duration(_ name: String, _ help: String) -> Self {
    let setting = Setting(name: name, standard: "", kind: .duration, help: help, none: nil)
    return Self(setting: setting) { $0.flatMap(DurationText.parse) }
  }
}

extension SettingKey where Value == UInt32 {
  /// File permissions.
  static func mode(_ name: String, _ standard: UInt32, _ help: String) -> Self {
    let octal = String(standard, radix: 8)
    let text = String(repeating: "0", count: max(0, 4 - octal.count)) + octal
    return Self(setting: Setting(name: name, standard: text, kind: .mode, help: help, none: nil)) {
      $0.flatMap { UInt32($0, radix: 8) } ?? standard
    }
  }
}

extension SettingKey where Value == [String] {
  /// A list, empty where nothing is set.
  static func list(_ name: String, _ kind: Setting.Kind, _ help: String) -> Self {
    Self(setting: Setting(name: name, standard: "", kind: kind, help: help, none: nil)) { ListText.parse($0 ?? "") }
  }
}

extension SettingKey where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
  /// One of a few words.
  static func choice(_ name: String, _ standard: Value, _ help: String) -> Self {
    let words = Value.allCases.map(\.rawValue)
    let setting = Setting(name: name, standard: standard.rawValue, kind: .choice(words), help: help, none: nil)
    return Self(setting: setting) { $0.flatMap { Value(rawValue: $0) } ?? standard }
  }
}
