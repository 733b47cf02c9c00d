/// The machine-readable word of an error: `front-matter-unknown-key`. Scripts compare it, so a word that was released stays
/// as it is. What promptdrop does about an error hangs on `subject`, never on the text.
public struct ErrorCode: RawRepresentable, Hashable, Sendable {
  /// The word.
  public let rawValue: String
  /// What an error with this code is about.
  public let subject: Subject

  /// What an error is about, and so what can end it.
  public enum Subject: Hashable, Sendable {
    /// The file itself, the service, or a message that nothing hangs on.
    case other
    /// The machine as a whole, and no file: it ends without the file being touched.
    case machine
    /// The whole disk takes nothing.
    case disk
    /// A place that is not there: nothing can be done there before it is back.
    case place
    /// A watched folder that is gone: both the machine's and a place's.
    case root
    /// Whose the folder is: nothing is written there.
    case owner
    /// A part of the folder that is not taken: nothing is wrong with the file.
    case leftOut
    /// A file beside the prompt: a reference image or folder defaults. The prompt's stamp says nothing about its end.
    case companion
  }

  init(_ rawValue: String, about subject: Subject = .other) {
    self.rawValue = rawValue
    self.subject = subject
  }

  /// The code with this word; a word that this version does not know is about nothing in particular.
  public init(rawValue: String) {
    self = Self.withSubject[rawValue] ?? ErrorCode(rawValue)
  }

  /// The words alone decide.
  public static func == (a: ErrorCode, b: ErrorCode) -> Bool { a.rawValue == b.rawValue }

  /// As `==`.
  public func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }

  // What is read back from the journal or a sidecar gets its subject here.
  private static let withSubject: [String: ErrorCode] = {
    let defaults = SettingsFlaw.allCases.map { settings(.folderDefaults, $0) }
    let known: [ErrorCode] = [
      .tooManyFiles, .inputOutputError, .fileError, .fileInUse,
      .diskFull, .readOnly,
      .rootGone, .folderGone,
      .otherOwner, .sharedFolder, .stateInDoubt,
      .excluded,
      .folderDefaultsUnreadable, .imageAmbiguous, .imageBadScheme, .imageBadURL, .imageOutsideRoot, .imageNotAFile,
      .imageNotAnImage, .imageUnreadable, .imageTooLarge,
    ]
    return Dictionary((known + defaults).map { ($0.rawValue, $0) }, uniquingKeysWith: { first, _ in first })
  }()
}

extension ErrorCode: CustomStringConvertible {
  /// The word.
  public var description: String { rawValue }
}

extension ErrorCode: Codable {
  /// Reads the word.
  public init(from decoder: any Decoder) throws {
    self.init(rawValue: try decoder.singleValueContainer().decode(String.self))
  }

  /// Writes the word.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }
}

// Codes that are made of other words.
extension ErrorCode {
  /// The code of what is held for this reason.
  public static func held(_ reason: HeldReason) -> ErrorCode { ErrorCode(rawValue: reason.rawValue) }
  /// The reason for which something is held that has this code; nil for other codes.
  public var heldReason: HeldReason? { HeldReason(rawValue: rawValue) }

  /// The codes of what is not taken because its folder is not this agent's.
  public static let notOurs: [ErrorCode] = [.otherOwner, .sharedFolder, .stateInDoubt]
  /// The code of an exclude pattern that can never match: a folder's prompts wait until its own is mended.
  public static let badExclude = settings(.folderDefaults, .badPattern)

  /// A 5xx of the service.
  public static func serviceError(status: Int) -> ErrorCode { ErrorCode("service-error-\(status)") }
  /// The picture's host answers with this status.
  public static func imageHost(status: Int) -> ErrorCode { ErrorCode("image-host-\(status)") }

  /// Where settings of a request are written.
  public enum SettingsPlace: String, CaseIterable, Sendable {
    /// At the top of the prompt.
    case frontMatter = "front-matter"
    /// In a folder's defaults.
    case folderDefaults = "folder-defaults"
  }

  /// What is wrong with settings.
  public enum SettingsFlaw: String, CaseIterable, Sendable {
    /// No YAML, or not of the shape that is expected.
    case invalid
    /// One key stands twice.
    case duplicateKey = "duplicate-key"
    /// A key that means nothing.
    case unknownKey = "unknown-key"
    /// A value that the key does not take.
    case badValue = "bad-value"
    /// `extra` names a field that promptdrop sets.
    case reservedField = "reserved-field"
    /// `extra` is larger than any request needs.
    case extraTooLarge = "extra-too-large"
    /// An exclude pattern that can never match.
    case badPattern = "bad-pattern"
    /// Not UTF-8 text.
    case notUTF8 = "not-utf8"
  }

  /// The code of settings that are wrong.
  public static func settings(_ place: SettingsPlace, _ flaw: SettingsFlaw) -> ErrorCode {
    ErrorCode("\(place.rawValue)-\(flaw.rawValue)", about: place == .folderDefaults ? .companion : .other)
  }
}
