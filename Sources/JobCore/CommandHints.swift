// Commands in hints. A hint is made, and kept in the journal, before it is known where it will be read, and its prompt may be
// renamed meanwhile. So its commands, in backquotes, have FILE in the place of the prompt's path; where the hint is shown, the
// path takes that place.
extension JobError {
  private static let commands = ["promptdrop approve ", "promptdrop resolve ", "promptdrop retry "]
  private static let placeholder = "FILE"

  /// Whether the hint has a command for a prompt.
  public var hasCommand: Bool {
    guard let hint else { return false }
    return Self.commands.contains { hint.contains($0) }
  }

  /// The same with `argument` in the place of FILE: the prompt's path as a shell takes it, and flags after it if there are
  /// any.
  public func naming(_ argument: String) -> JobError {
    var named = self
    for command in Self.commands {
      named.hint = named.hint?.replacing(command + Self.placeholder, with: command + argument)
    }
    return named
  }

  /// The same with FILE in the place of paths: a sidecar that is read back may have been written for another place.
  public var withoutPath: JobError {
    guard hasCommand, let hint else { return self }
    var general = self
    var rest = hint[...]
    var text = ""
    while let command = Self.commands.compactMap({ rest.firstRange(of: $0) }).min(by: { $0.lowerBound < $1.lowerBound })
    {
      text += rest[..<command.upperBound] + Self.placeholder
      rest = rest[command.upperBound...]
      ShellText.dropWord(&rest)
      let flag = " --state-dir "
      if rest.hasPrefix(flag) {
        rest = rest.dropFirst(flag.count)
        ShellText.dropWord(&rest)
      }
    }
    general.hint = text + rest
    return general
  }
}
