import JobCore

/// Which names the kernel said that prompts were given, until their jobs have followed.
struct Renames {
  // By the new name, the first of the old ones; and by the first, the new one.
  private var formers: [FileKey: FileKey] = [:]
  private var names: [FileKey: FileKey] = [:]

  var count: Int { formers.count }

  /// What it was called before it was renamed, perhaps several times.
  func former(of file: FileKey) -> FileKey? { formers[file] }

  /// What a file of that name is called now.
  func name(of former: FileKey) -> FileKey? { names[former] }

  /// A prompt was renamed.
  mutating func add(from: FileKey, to: FileKey) {
    let first = formers.removeValue(forKey: from) ?? from
    remove(to)
    if names[first] == nil || names[first] == from { names[first] = to }
    formers[to] = first
  }

  /// A folder was renamed: what each file is called now.
  mutating func folderMoved(_ place: (FileKey) -> FileKey) {
    formers = Dictionary(formers.map { (place($0.key), place($0.value)) }, uniquingKeysWith: { first, _ in first })
    names = Dictionary(names.map { (place($0.key), place($0.value)) }, uniquingKeysWith: { first, _ in first })
  }

  /// Nothing has to be known any more of where the file came from.
  mutating func remove(_ file: FileKey) {
    guard let first = formers.removeValue(forKey: file) else { return }
    if names[first] == file { names[first] = nil }
  }
}
