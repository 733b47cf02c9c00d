import JobCore

/// The `exclude` patterns that a place gives: a folder's defaults, or the configuration for a root.
struct ExcludeRules {
  /// The folder that the patterns are relative to; the root itself for the configuration.
  let folder: DropPath
  /// In their order: a later one outdoes an earlier one.
  let patterns: [ExcludePattern]

  /// Reads patterns. `root`: the absolute path of the root, where that is known. Throws what can never match.
  init(_ texts: [String], in folder: DropPath, root: [UInt8]? = nil) throws(JobError) {
    self.folder = folder
    let home = root.map { folder.bytes.isEmpty ? $0 : $0 + [UInt8(ascii: "/")] + folder.bytes }
    var patterns: [ExcludePattern] = []
    for text in texts {
      if let pattern = try ExcludePattern(text, home: home) { patterns.append(pattern) }
    }
    self.patterns = patterns
  }

  /// What the patterns say of a path: left out, taken back, or nothing.
  private func verdict(_ path: ArraySlice<UInt8>, isFolder: Bool) -> Bool? {
    let above = folder.bytes.isEmpty ? 0 : folder.bytes.count + 1
    guard path.count > above, path.starts(with: folder.bytes) else { return nil }
    let below = path.dropFirst(above)
    return patterns.last { $0.matches(below, isFolder: isFolder) }.map { !$0.isNegated }
  }

  /// Which of the rules, the nearest first, leaves a file out; nil where it is not left out. What is in a folder that is left
  /// out stays out, whatever else is said of it.
  static func place(that leavesOut: DropPath, by rules: [ExcludeRules]) -> Int? {
    guard rules.contains(where: { !$0.patterns.isEmpty }) else { return nil }
    let path = leavesOut.bytes[...]
    let ends = path.indices.filter { path[$0] == UInt8(ascii: "/") } + [path.endIndex]
    for end in ends {
      for (index, rule) in rules.enumerated() {
        guard let isLeftOut = rule.verdict(path[..<end], isFolder: end < path.endIndex) else { continue }
        if isLeftOut { return index }
        break
      }
    }
    return nil
  }
}

extension PromptReader {
  /// Checks the `exclude` patterns of a configuration. `root`: the absolute path of a watched folder, where that is known.
  /// Throws what can never match.
  public static func checkExclude(_ patterns: [String], root: [UInt8]? = nil) throws(JobError) {
    _ = try ExcludeRules(patterns, in: .root, root: root)
  }

  /// Whether an `exclude` pattern left the file out by the rules of earlier versions.
  public func wasExcluded(_ file: FileKey, defaults: [(FileKey, [UInt8])]) -> Bool {
    if options.exclude.contains(where: { FormerExclude($0).covers(file.path) }) { return true }
    return defaults.contains { place, bytes in
      guard let patterns = excludes(of: place, bytes) else { return false }
      let below = file.path.below(place.path.directory)
      return patterns.contains { FormerExclude($0).covers(below) }
    }
  }

  // Who takes prompts by these defaults has said what is wrong with them.
  private func excludes(of place: FileKey, _ bytes: [UInt8]) -> [String]? {
    do throws(JobError) {
      return try settings(of: place, bytes).exclude
    } catch {
      return nil
    }
  }
}

extension DropPath {
  /// The path of a file relative to a folder that it is in.
  func below(_ folder: DropPath) -> DropPath {
    DropPath(bytes: Array(bytes.dropFirst(folder.bytes.isEmpty ? 0 : folder.bytes.count + 1)))
  }
}
