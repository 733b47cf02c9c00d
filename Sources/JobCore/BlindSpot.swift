/// A part of a watched folder where the system does not show whether a program still has a file open for writing.
public struct BlindSpot: Hashable, Sendable {
  /// The watched folder that it belongs to.
  public var root: RootID
  /// The folder in which it was met first.
  public var folder: DropPath
  /// Why nothing is known there, and what can be done about it.
  public var error: JobError

  /// Makes one.
  public init(root: RootID, folder: DropPath, error: JobError) {
    (self.root, self.folder, self.error) = (root, folder, error)
  }
}

/// The last look at a prompt before its request is sent.
public struct LastLook: Hashable, Sendable {
  /// What stands at the prompt's path.
  public var prompt: Sighting
  /// The prompt or its list, where a program has it open for writing.
  public var beingWritten: FileKey?

  /// Makes one.
  public init(prompt: Sighting, beingWritten: FileKey? = nil) {
    (self.prompt, self.beingWritten) = (prompt, beingWritten)
  }
}
