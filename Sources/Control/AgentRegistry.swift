import Glibc

/// How commands find a running agent: a small file for each in a runtime folder, which says where its socket, its state
/// and its watched folders are (see ``AgentEntry``).
public enum AgentRegistry {
  /// Writes an agent's entry, readable by all and in one step, into a folder, which is made where it is missing. Throws
  /// `ControlError.unannounced`.
  public static func write(_ entry: AgentEntry, in folder: String) throws(ControlError) {
    if let why = Names.makeFolder(folder, mode: 0o755) { throw .unannounced(folder, why) }
    let path = "\(folder)/\(entry.fileName)"
    let temporary = "\(folder)/.\(entry.fileName).\(getpid())"
    // Of an earlier process with this number.
    unlink(temporary)
    let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw .unannounced(path, errorText()) }
    defer { close(file) }
    var rest = entry.json[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      if count > 0 { rest = rest.dropFirst(count) } else if count == 0 || errno != EINTR { break }
    }
    guard rest.isEmpty, fchmod(file, 0o644) == 0, rename(temporary, path) == 0 else {
      let why = errorText()
      unlink(temporary)
      throw .unannounced(path, why)
    }
  }

  /// Removes an agent's entry. One that cannot be removed does no harm: its socket no longer answers.
  public static func remove(_ entry: AgentEntry, in folder: String) {
    unlink("\(folder)/\(entry.fileName)")
  }

  /// The running agents that watch a folder which is the path, or is above it, or below it, the nearest above first. The
  /// path is absolute, without links and dots.
  public static func find(covering path: [UInt8], in folders: [String]) -> [AgentEntry] {
    let path = PathText.withoutFinalSlash(path)
    let ranked = all(in: folders).compactMap { entry -> (entry: AgentEntry, depth: Int)? in
      let above = entry.roots.filter { PathText.isBelowOrEqual(path, $0) }.map(\.count).max()
      if let above { return (entry, above) }
      return entry.roots.contains { PathText.isBelowOrEqual($0, path) } ? (entry, -1) : nil
    }
    return ranked.sorted { $0.depth > $1.depth }.map(\.entry)
  }

  /// The running agents with this state folder.
  public static func find(state: String, in folders: [String]) -> [AgentEntry] {
    let wanted = PathText.withoutFinalSlash(Array(state.utf8))
    return all(in: folders).filter { PathText.withoutFinalSlash(Array($0.state.utf8)) == wanted }
  }

  /// The running agents that have an entry in these folders which can be believed (``RegistryFolder`` says when), in the
  /// folders' order, each once.
  public static func all(in folders: [String]) -> [AgentEntry] { all(in: folders, caller: geteuid()) }

  static func all(in folders: [String], caller: uid_t) -> [AgentEntry] {
    var seen: Set<[UInt8]> = []
    return folders.flatMap { RegistryFolder($0, caller: caller)?.running() ?? [] }
      .filter { seen.insert(Array($0.socket.utf8)).inserted }
  }
}
