import CLinux
import Foundation
import Glibc
import JobCore
import Synchronization

/// Watches roots on a thread of its own: with inotify, which sleeps in poll(2) while nothing happens, and by looking
/// through what inotify cannot hear of.
public final class FolderWatcher: FolderWatching {
  /// How it watches.
  public struct Options: Sendable {
    /// What decides between inotify and looking at an interval.
    public enum Mode: String, Sendable {
      /// The kind of each file system.
      case auto
      /// Always inotify, where it can be had.
      case inotify
      /// Never.
      case poll
    }
    /// See `Mode`.
    public var mode: Mode
    /// How often everything is looked through besides; zero for never. Longer where a look takes long.
    public var rescanInterval: Duration
    /// How often that is looked through which inotify does not hear of.
    public var pollInterval: Duration
    /// The fingerprint of what requests are made of besides their prompts, given the defaults of a folder and of those
    /// above it, the nearest first (`PromptReading.fingerprint`).
    public var fingerprint: @Sendable ([[UInt8]]) -> UInt64
    /// The most bytes that a folder's defaults may have.
    public var maxDefaultsBytes: Int
    /// Folders that are no part of the watched ones.
    public var skipped: SkippedFolders
    /// How often it is said again that a root cannot be used.
    public var reminder: Duration
    /// What is heard while jobs are under way is mostly their own files, some events for each: once there was nothing in it to
    /// tell, what follows within this time is read in one go.
    public var lull: Duration
    /// Makes options.
    public init(
      mode: Mode = .auto, rescanInterval: Duration, pollInterval: Duration = .seconds(10),
      maxDefaultsBytes: Int = 65_536, skipped: SkippedFolders = .standard, reminder: Duration = .seconds(300),
      lull: Duration = .milliseconds(3), fingerprint: @escaping @Sendable ([[UInt8]]) -> UInt64
    ) {
      (self.mode, self.rescanInterval, self.pollInterval) = (mode, rescanInterval, pollInterval)
      (self.maxDefaultsBytes, self.fingerprint, self.skipped) = (maxDefaultsBytes, fingerprint, skipped)
      (self.reminder, self.lull) = (reminder, lull)
    }
  }

  private let roots: [RootID: RootFolder]
  private let options: Options
  private let confirmed = ConfirmedStamps()
  private let writers: FileWriters
  private let temporaries: [UInt8]
  private let commands: Commands

  /// Takes roots. `writers` learns which files are being written; `temporaries`: what the names of this process's temporary files
  /// begin with, and of nobody else's (`FolderFiles.temporaryPrefix`), so that their renames need not be looked at.
  public init(
    roots: [RootID: RootFolder], options: Options, writers: FileWriters = FileWriters(), temporaries: [UInt8] = []
  ) {
    self.roots = roots
    self.options = options
    self.writers = writers
    self.temporaries = temporaries
    commands = Commands()
  }

  /// Begins watching.
  public func start(surveying fresh: Set<RootID>, _ sink: @escaping @Sendable ([FolderEvent]) -> Void) {
    let (roots, options, confirmed, commands) = (roots, options, confirmed, commands)
    let (writers, temporaries) = (writers, temporaries)
    let thread = Thread {
      for (id, root) in roots where fresh.contains(id) {
        sink(
          root.place.map { Survey.of(id, $0, skipping: options.skipped) } ?? [.surveyed(id, hasSidecars: false)])
      }
      var loop = WatchLoop(
        tree: WatchedTree(
          options, roots: roots, confirmed: confirmed, writers: writers,
          awaited: .init(any: { commands.anyAwaited }, match: { commands.awaited($0) }), temporaries: temporaries),
        options: options, commands: commands, sink: sink)
      loop.run()
    }
    thread.name = "watch"
    thread.start()
  }

  /// How many more prompts the listener can hold, and how many were reported to it.
  public func hasRoom(_ prompts: Int, reported: Int) { commands.setRoom(prompts, reported: reported) }

  /// The prompt is known as it stands.
  public func confirm(_ file: FileKey, _ stamp: TakenStamp) { confirmed.confirm(file, stamp) }

  /// The paths besides prompts and lists whose arrival is to be reported.
  public func await(_ files: Set<FileKey>) {
    let named = Dictionary(grouping: files, by: NamedFile.init)
    commands.change { $0.awaited = named }
  }

  /// Looks through everything again.
  public func rescan() { commands.ask { $0.rescan = true } }

  /// Looks through this folder and what is below it.
  public func lookAgain(below folder: FileKey) { commands.ask { $0.again.insert(folder) } }

  /// How each part is watched.
  public var conditions: [FolderCondition] { commands.conditions }

  /// Ends.
  public func stop() { commands.ask { $0.stop = true } }
}

/// A file by its path as text: Swift compares texts without regard to how letters are composed.
struct NamedFile: Hashable {
  private let root: RootID
  private let path: String
  init(_ file: FileKey) { (root, path) = (file.root, String(decoding: file.path.bytes, as: UTF8.self)) }
}

/// What other threads ask of the watching one, with the descriptor that wakes it.
final class Commands: Sendable {
  struct Requests {
    var stop = false
    var rescan = false
    var again: Set<FileKey> = []
    var awaited: [NamedFile: [FileKey]] = [:]
    var room = Int.max
    var reported = 0
    // The watching thread sleeps though there is something to do: until there is this much room.
    var wantedRoom: Int?
    var conditions: [FolderCondition] = []
  }
  private let requests = Mutex(Requests())
  let wake: Int32 = pd_eventfd()

  deinit { close(wake) }

  func change(_ change: (inout Requests) -> Void) { requests.withLock { change(&$0) } }

  func ask(_ change: (inout Requests) -> Void) {
    requests.withLock { change(&$0) }
    ring()
  }

  private func ring() {
    var one: UInt64 = 1
    _ = write(wake, &one, 8)
  }

  func setRoom(_ room: Int, reported: Int) {
    let isWaitedFor = requests.withLock { requests in
      (requests.room, requests.reported) = (room, reported)
      guard let wanted = requests.wantedRoom, room >= wanted else { return false }
      requests.wantedRoom = nil
      return true
    }
    if isWaitedFor { ring() }
  }

  /// What was asked for since the last time. `isRung`: whether the descriptor says so.
  func take(_ isRung: Bool) -> Requests {
    var count: UInt64 = 0
    if isRung { _ = read(wake, &count, 8) }
    return requests.withLock { requests in
      defer { (requests.rescan, requests.again) = (false, []) }
      return requests
    }
  }

  /// Whether there is so much room; else it wakes the thread when it comes.
  func roomHasCome(reported: Int, atLeast enough: Int) -> Bool {
    requests.withLock { requests in
      if requests.room - (reported - requests.reported) >= enough { return true }
      // A little room is not worth a look.
      requests.wantedRoom = max(enough, 64)
      return false
    }
  }

  var anyAwaited: Bool { requests.withLock { !$0.awaited.isEmpty } }
  func awaited(_ file: FileKey) -> [FileKey] {
    let name = NamedFile(file)
    return requests.withLock { $0.awaited[name] ?? [] }
  }
  var conditions: [FolderCondition] {
    get { requests.withLock { $0.conditions } }
    set { requests.withLock { $0.conditions = newValue } }
  }
}
