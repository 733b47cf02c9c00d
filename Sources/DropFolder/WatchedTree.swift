import CInotifyTools
import Glibc
import JobCore

/// The watched folders of all roots, and what the kernel says of them, turned into events.
///
/// One thread owns it. What it has in hand is bounded: it tells of no more prompts than its listener has room for, and keeps
/// in mind which folders it has to look through for the rest.
struct WatchedTree: ~Copyable {
  typealias Watch = Inotify.Watch

  /// How a folder is watched.
  enum Way: Hashable {
    case inotify
    case polling(Reason)
    /// Why it is polled.
    enum Reason: Hashable {
      /// The kind of its file system; the user; nothing is heard from it.
      case kind, setting, deaf
      /// Inotify has no watch left, or cannot be had at all.
      case outOfWatches, unavailable
    }
    var isPolled: Bool { self != .inotify }
  }

  /// What is known of a folder besides its place.
  struct Node {
    var way: Way
    var device: UInt64
    var seen = SeenFolder()
    // The defaults of the folder and of those above it, the nearest first, and their fingerprint.
    var defaults: [[UInt8]] = []
    var inputs: UInt64 = 0
  }

  let options: FolderWatcher.Options
  let roots: [RootID: RootFolder]
  let confirmed: ConfirmedStamps
  let writers: FileWriters
  let awaited: Awaited
  var inotify: Inotify?
  var inotifyTrouble: JobError?

  var table = DirectoryTable()
  var nodes: [Watch: Node] = [:]
  // Where file systems begin: the roots, and mounts below them.
  var mounts: [Watch: FileSystemKind] = [:]
  // Folders that the kernel does not watch have numbers of their own, below zero.
  var lastNumber: Watch = -1
  // Those of them that are polled though their neighbours are watched.
  var polled: Set<Watch> = []
  // Where mounts were found to be deaf, by their devices.
  var deafDevices: Set<UInt64> = []
  var probes: [Watch: Probe] = [:]

  // Folders in watched ones that are no part of them, by their names.
  var leftOut: [Watch: Set<[UInt8]>] = [:]

  // What is still to be looked through, the next last.
  var looks: [Look] = []
  // Folders of which something could not be told for lack of room.
  var unheard: Set<Watch> = []
  /// How many more prompts may be told of.
  var room = Int.max
  /// How many prompts were told of.
  var reported = 0
  /// So much room is worth a look for what could not be told.
  var enoughRoom = 1
  /// Whether something could not be told since this was asked for last.
  var wasShortOfRoom = false

  // Folders that are looked through at a time, because a file has come or gone that may be some prompt's list.
  var controlLooks: [Watch: ContinuousClock.Instant] = [:]

  // Folders with a sync tool's mark.
  var syncMarked: Set<FileKey> = []

  // Folders renamed away whose new name has not been seen yet, and prompts, by the kernel's cookie.
  var movedFolders: [UInt32: (watch: Watch, from: FileKey, since: ContinuousClock.Instant)] = [:]
  var movedPrompt: (cookie: UInt32, from: FileKey)?

  // Roots that are not open, and why roots cannot be used, open or not.
  var gone: Set<RootID> = []
  var absences: [RootID: JobError] = [:]
  var events: [FolderEvent] = []
  var saidCodes: Set<String> = []
  var watchesAreUsedUp = false
  /// Whether the kernel dropped events, so that a scan is due.
  var overflowed = false
  /// Whether how something is watched may have changed since it was told.
  var conditionsChanged = true

  /// What others wait for, shared with them.
  struct Awaited {
    var any: () -> Bool
    /// The awaited files that this one may be: names that differ only in the composition of their letters count as one.
    var match: (FileKey) -> [FileKey]
  }

  init(
    _ options: FolderWatcher.Options, roots: [RootID: RootFolder], confirmed: ConfirmedStamps, writers: FileWriters,
    awaited: Awaited
  ) {
    (self.options, self.roots, self.confirmed, self.awaited) = (options, roots, confirmed, awaited)
    self.writers = writers
    openInotify()
  }

  /// Opens inotify, where that is wanted and possible.
  mutating func openInotify() {
    guard inotify == nil, options.mode != .poll else { return }
    do {
      inotify = try Inotify()
      if inotifyTrouble != nil { say(JobError(code: .watchingAgain, message: "inotify can be used again.")) }
      inotifyTrouble = nil
    } catch {
      inotifyTrouble = error
      sayOnce(error)
    }
    conditionsChanged = true
  }

  /// Hands out what has been found.
  mutating func takeEvents() -> [FolderEvent] {
    defer { events = [] }
    return events
  }

  mutating func say(_ error: JobError) { events.append(.trouble(error)) }

  /// Says it unless it was said since everything was looked through last.
  mutating func sayOnce(_ error: JobError) {
    if saidCodes.insert(error.code.rawValue).inserted { say(error) }
  }

  // MARK: roots

  /// The roots that are not there are left, and those that are there again are taken up.
  mutating func checkRoots() {
    for (id, root) in roots.sorted(by: { $0.key.number < $1.key.number }) {
      if let absence = root.absence { lose(id, root, absence) }
      guard !root.isThere else { continue }
      do throws(RootAbsence) {
        try root.takeUp()
        gone.remove(id)
        conditionsChanged = true
        lookAt(id)
      } catch {
        note(error, id, root)
      }
    }
  }

  /// Roots that are open and could not be looked through are looked at again.
  mutating func lookAtUnreadable() {
    for id in absences.keys.sorted(by: { $0.number < $1.number }) where roots[id]?.isThere == true { lookAt(id) }
  }

  /// Begins to look through a root.
  mutating func lookAt(_ id: RootID) {
    looks.append(Look(.done(id)))
    looks.append(Look(.root(id)))
  }

  /// The root is not there: nothing is known of what is below it.
  private mutating func lose(_ id: RootID, _ root: RootFolder, _ absence: RootAbsence) {
    if let watch = table.watch(of: id) { forget(watch) }
    root.leave()
    note(absence, id, root)
  }

  private mutating func note(_ absence: RootAbsence, _ id: RootID, _ root: RootFolder) {
    gone.insert(id)
    say(absence.error(root.path), of: id)
  }

  /// The root cannot be used, for this reason. Said when it is new, and by `remind`.
  mutating func say(_ error: JobError, of id: RootID) {
    guard absences.updateValue(error, forKey: id) != error else { return }
    conditionsChanged = true
    events += [error == RootAbsence.missing.error(roots[id]?.path ?? []) ? .rootGone(id) : .rootUnreadable(id, error)]
    events.append(.scanned(id))
  }

  /// The root has been looked through.
  mutating func isReadable(_ id: RootID) {
    guard absences.removeValue(forKey: id) != nil else { return }
    conditionsChanged = true
    events.append(.rootBack(id))
  }

  /// Says once more which roots cannot be used, so that the log has it for as long as that lasts.
  mutating func remind() {
    for (_, error) in absences.sorted(by: { $0.key.number < $1.key.number }) { say(error) }
  }

  // MARK: folders

  /// Forgets a folder and all below it.
  mutating func forget(_ watch: Watch) {
    if let folder = table.folder(watch) {
      writers.forget(below: folder)
      roots[folder.root]?.facts.forgetAll()
    }
    for gone in table.remove(watch) { drop(gone) }
  }

  /// Lets go what is known by this watch, which stands for nothing any more.
  mutating func drop(_ watch: Watch) {
    if watch >= 0 { inotify?.unwatch(watch) }
    nodes[watch] = nil
    probes[watch] = nil
    controlLooks[watch] = nil
    unheard.remove(watch)
    if mounts.removeValue(forKey: watch) != nil { conditionsChanged = true }
    if leftOut.removeValue(forKey: watch) != nil { conditionsChanged = true }
    if polled.remove(watch) != nil { conditionsChanged = true }
  }

  // MARK: telling

  /// Tells of a prompt, or keeps its folder in mind where there is no room.
  mutating func tell(_ prompt: FileKey, _ hint: Hint, in folder: Watch) {
    guard room > 0 else {
      unheard.insert(folder)
      wasShortOfRoom = true
      return
    }
    room -= 1
    reported += 1
    events.append(.prompt(prompt, hint))
  }

  /// Folders of which something could not be told are looked through, now that there is room.
  mutating func takeUpUnheard() {
    guard room >= enoughRoom, !unheard.isEmpty else { return }
    for watch in unheard { looks.append(Look(.folder(watch), isRecursive: false)) }
    unheard = []
  }
}
