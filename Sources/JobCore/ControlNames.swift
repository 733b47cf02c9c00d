/// Names in a folder that are not exactly those of control files (`STEM.images`, `.promptdrop.yaml`) and may be meant as
/// such.
///
/// A name that differs only in case, or in how its letters are composed, is taken where it is the only one and no file has
/// the exact name. Any other likeness is for a person to decide: taken for nothing, it would let prompts be paid for
/// without what was meant to go with them.
public struct ControlNames: Hashable, Sendable {
  /// What stands for a control file.
  public enum Choice: Hashable, Sendable {
    /// Nothing does.
    case none
    /// This name does.
    case taken([UInt8])
    /// These may be meant, and which, or whether, cannot be determined.
    case unclear([[UInt8]])
  }

  // By what their stems look like. Swift compares texts without regard to how letters are composed.
  private var lists: [String: Set<[UInt8]>] = [:]
  private var defaults: Set<[UInt8]> = []

  /// No names.
  public init() {}

  /// Whether there are none.
  public var isEmpty: Bool { lists.isEmpty && defaults.isEmpty }
  /// Whether there are names of lists.
  public var hasLists: Bool { !lists.isEmpty }

  /// Adds a name, where it may be meant: also of a list whose name is exactly that of some prompt's. Whether it was.
  @discardableResult public mutating func insert(_ name: [UInt8]) -> Bool {
    guard let likeness = Likeness(name) else { return false }
    switch likeness {
    case .list(let stems): for stem in stems { lists[stem, default: []].insert(name) }
    case .defaults: defaults.insert(name)
    }
    return true
  }

  /// Takes a name out. Whether it was there.
  @discardableResult public mutating func remove(_ name: [UInt8]) -> Bool {
    guard !isEmpty, let likeness = Likeness(name) else { return false }
    switch likeness {
    case .list(let stems):
      var wasThere = false
      for stem in stems {
        wasThere = lists[stem]?.remove(name) != nil || wasThere
        if lists[stem]?.isEmpty == true { lists[stem] = nil }
      }
      return wasThere
    case .defaults: return defaults.remove(name) != nil
    }
  }

  /// What stands for the list of a prompt that has none of the exact name. `isAnothers`: whether a list's name is exactly
  /// that of another prompt which is there.
  public func list(ofStem stem: [UInt8], isAnothers: ([UInt8]) -> Bool) -> Choice {
    guard !lists.isEmpty, let text = String(validating: stem, as: UTF8.self) else { return .none }
    let found = (lists[Likeness.bare(text)] ?? []).filter { !isAnothers($0) }
    let exact = (text + ".images").lowercased()
    return Self.choice(found) { $0.lowercased() == exact }
  }

  /// What stands for the folder's defaults where no file has the exact name.
  public var folderDefaults: Choice {
    let exact = String(decoding: DropNames.folderDefaults, as: UTF8.self)
    return Self.choice(defaults) { $0.lowercased() == exact }
  }

  /// Whether two names look the same to who does not look closely.
  public static func lookAlike(_ a: String, _ b: String) -> Bool { Likeness.bare(a) == Likeness.bare(b) }

  /// Whether a name of folder defaults says by itself that they are meant; of others, what is in the file decides.
  public static func speaksForItself(_ name: [UInt8]) -> Bool {
    [".promptdrop.yaml", ".promptdrop.yml"].contains(String(decoding: name, as: UTF8.self).lowercased())
  }

  private static func choice(_ names: Set<[UInt8]>, isSame: (String) -> Bool) -> Choice {
    let same = names.filter { isSame(String(decoding: $0, as: UTF8.self)) }
    if same.count == 1, let only = same.first { return .taken(only) }
    let unclear = same.isEmpty ? names : same
    return unclear.isEmpty ? .none : .unclear(unclear.sorted { $0.lexicographicallyPrecedes($1) })
  }

  /// Whether a name may be meant as a control file's, asked for each entry of each folder before a copy of it is made: most
  /// names have another ending.
  public static func mayMatter(_ name: UnsafeRawBufferPointer) -> Bool {
    guard name.count > 6, let dot = name.lastIndex(of: UInt8(ascii: ".")), dot + 1 < name.endIndex else { return false }
    switch name[dot + 1] | 0x20 {
    // `.images` and what is like it; `.icc`, `.ico`, `.ini` are too short.
    case UInt8(ascii: "i"): return name.endIndex - dot > 5
    // `.yaml`, `.yml`
    case UInt8(ascii: "y"): return name.count < 60
    // `.txt`, `.text`, `.md` after one of those.
    case UInt8(ascii: "t"), UInt8(ascii: "m"):
      guard let before = name[..<dot].lastIndex(of: UInt8(ascii: ".")), before + 1 < dot else { return false }
      let first = name[before + 1] | 0x20
      return first == UInt8(ascii: "i") || first == UInt8(ascii: "y")
    // A blank, or something that cannot be seen, stands before the ending's letters.
    case 0x20, 0xA0...: return true
    default: return false
    }
  }
}

/// What a name looks like.
enum Likeness {
  /// An image list; of these stems, as `bare` has them.
  case list([String])
  /// Folder defaults.
  case defaults

  init?(_ name: [UInt8]) {
    guard name.withUnsafeBytes(ControlNames.mayMatter), name != DropNames.folderDefaults,
      let text = String(validating: name, as: UTF8.self)
    else { return nil }
    var plain = Self.bare(text)
    for ending in [".txt", ".text", ".md"] where plain.hasSuffix(ending) { plain.removeLast(ending.count) }
    guard let dot = plain.lastIndex(of: ".") else { return nil }
    let stem = plain[..<dot]
    let ending = plain[plain.index(after: dot)...]
    if ending == "yaml" || ending == "yml" {
      guard Self.isNear(String(stem.drop { $0 == "." || $0 == "_" }), "promptdrop") else { return nil }
      self = .defaults
    } else {
      guard !stem.isEmpty, Self.isNear(String(ending), "images"), !DropNames.isTemporary(name) else { return nil }
      let whole = String(stem)
      // `fox.prompt.images` is meant as the list of `fox.prompt`.
      self = .list(whole.hasSuffix(".prompt") ? [whole, String(whole.dropLast(7))] : [whole])
    }
  }

  /// A name as it looks to a person who does not look closely: in lower case, without blanks around it and without what
  /// cannot be seen.
  static func bare(_ text: String) -> String {
    var seen = String.UnicodeScalarView()
    for scalar in text.unicodeScalars where !scalar.isInvisible { seen.append(scalar) }
    let lower = String(seen).lowercased()
    let parts = lower.split(separator: ".", omittingEmptySubsequences: false)
    return parts.map { part in
      let head = part.drop { $0.isWhitespace }
      return String(head.reversed().drop { $0.isWhitespace }.reversed())
    }.joined(separator: ".")
  }

  // Equal but for one slip of the fingers: a letter too many, too few, another one, or two neighbours swapped.
  private static func isNear(_ a: String, _ b: String) -> Bool {
    let (x, y) = (Array(a), Array(b))
    guard abs(x.count - y.count) <= 1 else { return false }
    let head = zip(x, y).prefix { $0 == $1 }.count
    let (p, q) = (x.dropFirst(head), y.dropFirst(head))
    if p.isEmpty && q.isEmpty { return true }
    if p.dropFirst().elementsEqual(q.dropFirst()) { return true }
    if p.elementsEqual(q.dropFirst()) || p.dropFirst().elementsEqual(q) { return true }
    return p.count >= 2 && q.count >= 2 && p.dropFirst(2).elementsEqual(q.dropFirst(2))
      && p.first == q.dropFirst().first
      && p.dropFirst().first == q.first
  }
}

extension Unicode.Scalar {
  /// Whether it shows nothing by itself: zero-width and formatting characters, byte order marks, control characters.
  public var isInvisible: Bool {
    if value >= 0x20 && value < 0x7F { return false }
    switch properties.generalCategory {
    case .control, .format: return true
    default: return properties.isDefaultIgnorableCodePoint
    }
  }
}

/// Whether bytes say nothing at all: none, only blanks, a byte order mark, or the NULs that sync tools and preallocation
/// leave until the content comes.
public func isBlankText(_ bytes: [UInt8]) -> Bool {
  let body = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
  return body.allSatisfy { $0 == 0 || $0 == 32 || (9...13).contains($0) }
}
