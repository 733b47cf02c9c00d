import JobCore

/// How files are named in texts for people: by absolute paths, and in commands as a shell takes them.
public struct PlaceNames: Sendable {
  private let roots: [RootID: [UInt8]]
  private let flags: String

  /// `roots`: the absolute path of each watched folder; `flags`: see `AgentSettings.commandFlags`.
  init(roots: [RootID: [UInt8]], flags: String) {
    self.roots = roots
    self.flags = flags
  }

  /// A root's path.
  func name(of root: RootID) -> String { DropPath.display(roots[root] ?? []) }

  /// An absolute path.
  func absolute(_ file: FileKey) -> String { DropPath.display(bytes(file)) }

  /// What a command is given to be about this file or folder: its path, and the flags without which it would be about
  /// another agent.
  func argument(_ file: FileKey) -> String { ShellText.path(bytes(file)) + flags }

  /// The error with the file's path in the commands of its hint.
  public func naming(_ file: FileKey, in error: JobError) -> JobError {
    error.hasCommand ? error.naming(argument(file)) : error
  }

  private func bytes(_ file: FileKey) -> [UInt8] {
    (roots[file.root] ?? []) + (file.path.bytes.isEmpty ? [] : [UInt8(ascii: "/")] + file.path.bytes)
  }
}
