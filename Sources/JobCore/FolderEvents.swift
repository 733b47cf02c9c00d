/// What a watcher says. Events are hints where to look; the folder is the truth.
public enum FolderEvent: Hashable, Sendable {
  /// Something happened to a prompt or to its list: look at the prompt.
  case prompt(FileKey, Hint)
  /// A prompt was deleted or renamed away.
  case promptGone(FileKey)
  /// A prompt was renamed within the roots.
  case promptRenamed(from: FileKey, to: FileKey)
  /// A folder was renamed within the roots, with all below it.
  case folderRenamed(from: FileKey, to: FileKey)
  /// A prompt that stood in this folder does not stand there any more.
  case promptsVanished(FileKey)
  /// This folder does not stand there any more, with all that was below it.
  case folderVanished(FileKey)
  /// A writer's temporary form of a prompt's list came or went.
  case listOnItsWay(prompt: FileKey, temporary: [UInt8], present: Bool)
  /// A folder's defaults changed: everything below has to be looked at again.
  case defaultsChanged(folder: FileKey)
  /// A file that somebody waits for may have come.
  case awaited(FileKey)
  /// A temporary file of promptdrop's was found in a scan: perhaps a leftover.
  case leftover(FileKey)
  /// A survey found a sidecar whose prompt, named here, is not beside it.
  case strayedSidecar(prompt: FileKey)
  /// The names in the root have been looked through for what other agents left: whether there are sidecars.
  case surveyed(RootID, hasSidecars: Bool)
  /// A sidecar came that this process has not put there.
  case sidecarArrived(prompt: FileKey)
  /// A sync tool's mark: this folder is kept on several machines.
  case syncMark(folder: FileKey)
  /// The mark is gone: the sync tool keeps the folder no longer.
  case syncMarkGone(folder: FileKey)
  /// Everything in the root has been looked through once.
  case scanned(RootID)
  /// The watcher cannot do its work in full: for the log.
  case trouble(JobError)
  /// The root itself is gone.
  case rootGone(RootID)
  /// The root cannot be looked through at present, or does not stand for the folder that was watched: why.
  case rootUnreadable(RootID, JobError)
  /// A root that was gone, could not be looked through, or was not there yet, is there.
  case rootBack(RootID)
  /// What had to be looked through for want of inotify's watches or instances is watched again.
  case watchedAgain
}

/// How a part of the watched folders is watched.
public struct FolderCondition: Hashable, Sendable {
  /// The ways.
  public enum Mode: String, Sendable {
    /// The kernel reports every change.
    case inotify
    /// It is looked through at an interval.
    case polling
    /// It is not there.
    case gone
    /// It is no part of the watched folder: a recycle bin, snapshots, a system folder.
    case skipped
    /// It is there, and cannot be looked through at present.
    case unreadable
  }
  /// The part's absolute path.
  public var path: [UInt8]
  /// The root that it belongs to.
  public var root: RootID
  /// How it is watched.
  public var mode: Mode
  /// The kind of file system, `ext4`, `nfs`, …; nil where it is not there.
  public var fileSystem: String?
  /// Between two looks, while it is polled.
  public var interval: Duration?
  /// Why, where it is not watched by inotify.
  public var error: JobError?

  /// Makes one.
  public init(
    path: [UInt8], root: RootID, mode: Mode, fileSystem: String? = nil, interval: Duration? = nil,
    error: JobError? = nil
  ) {
    self.path = path
    self.root = root
    self.mode = mode
    self.fileSystem = fileSystem
    self.interval = interval
    self.error = error
  }
}

/// Watches roots.
///
/// It remembers what it reported and what was confirmed, so that scanning a folder again reports only what is new. A
/// watcher never holds more than its listener has room for: what is too much is found by looking again later.
public protocol FolderWatching: Sendable {
  /// Begins: watches, then scans, then reports what happens, in batches, on a thread of its own. The roots of `fresh` are
  /// surveyed before anything else is reported.
  func start(surveying fresh: Set<RootID>, _ sink: @escaping @Sendable ([FolderEvent]) -> Void)
  /// How many more prompts the listener can hold, and how many were reported to it so far.
  func hasRoom(_ prompts: Int, reported: Int)
  /// The prompt is known as it stands, with this stamp: no need to report it again until that changes.
  func confirm(_ file: FileKey, _ stamp: TakenStamp)
  /// The paths besides prompts and lists whose arrival is to be reported.
  func await(_ files: Set<FileKey>)
  /// Looks through everything again.
  func rescan()
  /// Looks through this folder and what is below it.
  func lookAgain(below folder: FileKey)
  /// How each part is watched.
  var conditions: [FolderCondition] { get }
  /// Ends; no event follows.
  func stop()
}
