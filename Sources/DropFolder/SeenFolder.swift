import JobCore

/// What is remembered of a folder's prompts between two looks: sixteen bytes a prompt, so that a million of them are no
/// trouble.
struct SeenFolder {
  /// A prompt: a hash of where it is, and one of its stamp; 0 while nobody has confirmed that it is known as it stands.
  struct Entry {
    var key: UInt64
    var stamp: UInt64
  }
  /// In the order of their keys.
  var entries: [Entry] = []

  /// The stamp that was confirmed for each key, in the order of the keys; and whether anything that was here is not
  /// among them.
  func match(_ keys: [UInt64]) -> (stamps: [UInt64], lost: Bool) {
    var stamps = [UInt64](repeating: 0, count: keys.count)
    var position = 0
    var found = 0
    for (index, key) in keys.enumerated() {
      while position < entries.count, entries[position].key < key { position += 1 }
      guard position < entries.count, entries[position].key == key else { continue }
      stamps[index] = entries[position].stamp
      found += 1
      position += 1
    }
    return (stamps, found < entries.count)
  }
}

/// Hashes of places, for one folder. They differ from process to process and are kept in memory only.
struct FolderHash {
  private var base = Hasher()

  /// For the prompts of this folder.
  init(_ folder: FileKey) {
    base.combine(folder.root.number)
    folder.path.bytes.withUnsafeBytes { base.combine(bytes: $0) }
  }

  private init(_ root: RootID, _ folder: UnsafeRawBufferPointer) {
    base.combine(root.number)
    base.combine(bytes: folder)
  }

  /// Of a stem. A prompt and its list have one; a prompt whose ending is not in lower case has its own.
  func key(_ stem: UnsafeRawBufferPointer, isPlain: Bool = true) -> UInt64 {
    var hash = base
    hash.combine(bytes: stem)
    hash.combine(isPlain)
    return UInt64(bitPattern: Int64(hash.finalize()))
  }

  /// Of a prompt's file.
  static func key(of file: FileKey) -> UInt64 {
    file.path.bytes.withUnsafeBytes { path in
      let slash = path.lastIndex(of: UInt8(ascii: "/"))
      let name = UnsafeRawBufferPointer(rebasing: path[(slash.map { $0 + 1 } ?? 0)...])
      var isPlain = true
      if case .prompt(false) = DropNames.ending(name) { isPlain = false }
      return FolderHash(file.root, UnsafeRawBufferPointer(rebasing: path[..<(slash ?? 0)])).key(
        UnsafeRawBufferPointer(rebasing: name.dropLast(DropNames.endingLength)), isPlain: isPlain)
    }
  }

  /// Of one file's stamp; never 0. The device is left out: it may have another number after each mount.
  static func stamp(_ stamp: FileStamp) -> UInt64 {
    var hash = Hasher()
    hash.combine(stamp.inode)
    hash.combine(stamp.size)
    hash.combine(stamp.modified)
    hash.combine(stamp.changed)
    return UInt64(bitPattern: Int64(hash.finalize())) | 1
  }

  /// Of a prompt with its list, each by its own hash, 0 for no list, and of the fingerprint of what else the request is made
  /// of; never 0.
  static func stamp(own: UInt64, list: UInt64, inputs: UInt64) -> UInt64 {
    ((own &* 0x9E37_79B9_7F4A_7C15 ^ list) &* 0x9E37_79B9_7F4A_7C15 ^ inputs) | 1
  }
}
