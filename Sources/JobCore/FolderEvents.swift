/// What a watcher says. Events are hints where to look; the folder is the truth.
public enum FolderEvent: Hashable, Sendable {
  /// Something happened to a prompt or to its list: look at the prompt.
  case prompt(FileKey, Hint)
  /// A prompt was deleted or renamed away.
  case promptGone(FileKey)
  /// A writer's temporary form of a prompt's list came or went.
  case listOnItsWay(prompt: FileKey, temporary: [UInt8], present: Bool)
  /// A folder's defaults changed: everything below has to be looked at again.
  case defaultsChanged(folder: FileKey)
  /// A file that somebody waits for may have come.
  case awaited(FileKey)
  /// A temporary file of promptdrop's was found in a scan: perhaps a leftover.
  case leftover(FileKey)
  /// Everything in the root has been looked through once.
  case scanned(RootID)
  /// The watcher cannot do its work in full: for the log.
  case trouble(JobError)
  /// The root itself is gone.
  case rootGone(RootID)
}

/// Watches roots.
public protocol FolderWatching: Sendable {
  /// Begins: watches, then scans, then reports what happens, in batches, on a thread of its own.
  func start(_ sink: @escaping @Sendable ([FolderEvent]) -> Void)
  /// The paths besides prompts and lists whose coming is to be told.
  func await(_ files: Set<FileKey>)
  /// Looks through everything again.
  func rescan()
  /// Ends; no event follows.
  func stop()
}
