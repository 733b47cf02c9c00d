/// A path below a watched root, as the bytes that the kernel gives: `a/b/cat.prompt`, without a leading slash.
///
/// Bytes, because Swift's `String` treats the composed and the decomposed spelling of a name as equal, and the file
/// system does not.
public struct DropPath: Hashable, Sendable {
  /// The bytes, parts separated by `/`; empty for the root itself.
  public let bytes: [UInt8]

  /// Makes a path from raw bytes.
  public init(bytes: [UInt8]) { self.bytes = bytes }

  /// Makes a path from text, as UTF-8.
  public init(_ text: String) { bytes = Array(text.utf8) }

  /// The root itself.
  public static let root = DropPath(bytes: [])

  /// Hashes the bytes at once: an array's own way takes them one by one.
  public func hash(into hasher: inout Hasher) {
    bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    hasher.combine(bytes.count)
  }

  private var lastSlash: Int? { bytes.lastIndex(of: UInt8(ascii: "/")) }

  /// The last part.
  public var name: [UInt8] { lastSlash.map { Array(bytes[($0 + 1)...]) } ?? bytes }

  /// The folder that the last part is in.
  public var directory: DropPath { DropPath(bytes: lastSlash.map { Array(bytes[..<$0]) } ?? []) }

  /// The path of `name` in this folder.
  public func appending(_ name: [UInt8]) -> DropPath {
    if bytes.isEmpty { return DropPath(bytes: name) }
    var joined = [UInt8]()
    joined.reserveCapacity(bytes.count + 1 + name.count)
    joined += bytes
    joined.append(UInt8(ascii: "/"))
    joined += name
    return DropPath(bytes: joined)
  }

  /// Whether this path is `folder` or lies below it.
  public func isBelowOrEqual(_ folder: DropPath) -> Bool {
    folder.bytes.isEmpty || bytes == folder.bytes
      || (bytes.starts(with: folder.bytes) && bytes.count > folder.bytes.count
        && bytes[folder.bytes.count] == UInt8(ascii: "/"))
  }

  /// For people: the path as text, invalid UTF-8 replaced, control characters escaped so that a name cannot forge a
  /// line.
  public var display: String { DropPath.display(bytes) }

  // What starts a line, turns the direction of writing, or cannot be seen, so that two names would look the same. In an
  // emoji, joiners and variation selectors are seen.
  private static func isTricky(_ scalar: Unicode.Scalar, after previous: Unicode.Scalar?) -> Bool {
    switch scalar.value {
    case 0x20..<0x7F: false
    case 0x2028, 0x2029: true
    case 0x200D, 0xFE0F: previous.map { !($0.properties.isEmoji || $0.value == 0xFE0F) } ?? true
    default: scalar.isInvisible
    }
  }

  /// For people: a name as text, escaped as in `display`.
  public static func display(_ bytes: [UInt8]) -> String {
    // Nearly every name is plain ASCII, in which nothing is to be escaped.
    if bytes.allSatisfy({ (0x20..<0x7F).contains($0) }) { return String(decoding: bytes, as: UTF8.self) }
    return escaped(bytes) { isTricky($0, after: $1) }
  }

  /// For people: a name as in `display`, with accents that follow their letters escaped too, so that it differs from
  /// one with composed letters.
  public static func spelled(_ bytes: [UInt8]) -> String {
    escaped(bytes) { isTricky($0, after: $1) || $0.properties.generalCategory == .nonspacingMark }
  }

  private static func escaped(
    _ bytes: [UInt8], _ isToBeEscaped: (Unicode.Scalar, _ previous: Unicode.Scalar?) -> Bool
  ) -> String {
    let text = String(decoding: bytes, as: UTF8.self)
    var escaped = ""
    var previous: Unicode.Scalar?
    for scalar in text.unicodeScalars {
      if isToBeEscaped(scalar, previous) {
        escaped += scalar.escaped(asASCII: true)
      } else {
        escaped.unicodeScalars.append(scalar)
      }
      previous = scalar
    }
    return escaped
  }
}

/// Which watched root: its number in the journal.
public struct RootID: Hashable, Sendable {
  /// The number.
  public let number: Int64
  /// Wraps a number.
  public init(_ number: Int64) { self.number = number }
}

/// A file: its root and its path below it.
public struct FileKey: Hashable, Sendable {
  /// The root.
  public let root: RootID
  /// The path below the root.
  public let path: DropPath
  /// Makes a key.
  public init(root: RootID, path: DropPath) {
    self.root = root
    self.path = path
  }
  /// The folder that it is in.
  public var folder: FileKey { FileKey(root: root, path: path.directory) }

  /// Whether the other file is in the same folder.
  public func isBeside(_ other: FileKey) -> Bool { folder == other.folder }

  /// The key of another name in the same folder.
  public func sibling(_ name: [UInt8]) -> FileKey {
    FileKey(root: root, path: path.directory.appending(name))
  }
}
