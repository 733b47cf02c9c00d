import JobCore

/// The watched folders of all roots, and what the kernel says of them, turned into events.
///
/// One thread owns it. Each part has a subject of its own; what happens in one folder goes through several of them, and that is
/// written down here and in the extensions: `Entering` (how a folder is watched), `Looking` (what is in it), `KernelEvents` (what
/// happens in it). What it has in hand is bounded: it reports no more prompts than its listener has room for, and remembers
/// which folders it has to look through for the rest.
struct WatchedTree: ~Copyable {
  typealias Watch = Inotify.Watch

  let options: FolderWatcher.Options
  let roots: [RootID: RootFolder]
  let confirmed: ConfirmedStamps
  let writers: FileWriters
  let awaited: Awaited

  var kernel = KernelWatches()
  var folders = WatchedFolders()
  var probes = DeafnessProbes()
  var leftOut = LeftOutFolders()
  var looks = LookQueue()
  var room = PromptRoom()
  var moves = UnpairedMoves()
  var ownMoves: OwnMoves
  var absences = RootAbsences()
  var news = FolderNews()
  // Folders with a sync tool's mark.
  private var syncMarked: Set<FileKey> = []
  /// Whether the kernel dropped events, so that a scan is due.
  var hasOverflowed = false

  /// What others wait for, shared with them.
  struct Awaited {
    var any: () -> Bool
    /// The awaited files that this one may be: names that differ only in the composition of their letters count as one.
    var match: (FileKey) -> [FileKey]
  }

  init(
    _ options: FolderWatcher.Options, roots: [RootID: RootFolder], confirmed: ConfirmedStamps, writers: FileWriters,
    awaited: Awaited, temporaries: [UInt8] = []
  ) {
    ownMoves = OwnMoves(prefix: temporaries)
    (self.options, self.roots, self.confirmed, self.awaited) = (options, roots, confirmed, awaited)
    self.writers = writers
    openInotify()
  }

  /// Opens inotify, where that is wanted and possible.
  mutating func openInotify() {
    guard options.mode != .poll else { return }
    do throws(JobError) {
      if try kernel.open() { news.say(JobError(code: .watchingAgain, message: "inotify can be used again.")) }
    } catch {
      news.sayOnce(error)
    }
  }

  /// Whether how something is watched may have changed since this was asked for last.
  mutating func takeChange() -> Bool {
    // Each is asked: what has changed is taken.
    let changes = [kernel.takeChange(), folders.takeChange(), leftOut.takeChange(), absences.takeChange()]
    return changes.contains(true)
  }

  // MARK: roots

  /// The roots that are not there are left, and those that are there again are taken up.
  mutating func checkRoots() {
    for (id, root) in roots.sorted(by: { $0.key.number < $1.key.number }) {
      if let absence = root.absence { lose(id, root, absence) }
      guard !root.isThere else { continue }
      do throws(RootAbsence) {
        try root.takeUp()
        absences.isOpen(id)
        lookAt(id)
      } catch {
        note(error, id, root)
      }
    }
  }

  /// Roots that are open and could not be looked through are looked at again.
  mutating func lookAtUnreadable() {
    for (id, _) in absences.all where roots[id]?.isThere == true { lookAt(id) }
  }

  /// Begins to look through a root.
  mutating func lookAt(_ id: RootID) {
    looks.add(Look(.done(id)))
    looks.add(Look(.root(id)))
  }

  // The root is not there: nothing is known of what is below it.
  private mutating func lose(_ id: RootID, _ root: RootFolder, _ absence: RootAbsence) {
    if let watch = folders.table.watch(of: id) { forget(watch) }
    root.leave()
    note(absence, id, root)
  }

  private mutating func note(_ absence: RootAbsence, _ id: RootID, _ root: RootFolder) {
    absences.noteGone(id)
    say(absence.error(root.path), of: id)
  }

  /// The root cannot be used, for this reason. Said when it is new, and by `remind`.
  mutating func say(_ error: JobError, of id: RootID) {
    guard absences.note(error, of: id) else { return }
    let isMissing = error == RootAbsence.missing.error(roots[id]?.path ?? [])
    news.add(isMissing ? .rootGone(id) : .rootUnreadable(id, error))
    news.add(.scanned(id))
  }

  /// The root has been looked through.
  mutating func isReadable(_ id: RootID) {
    if absences.isReadable(id) { news.add(.rootBack(id)) }
  }

  /// Says once more which roots cannot be used, so that the log has it for as long as that lasts.
  mutating func remind() {
    for (_, error) in absences.all { news.say(error) }
  }

  // MARK: folders

  /// Forgets a folder and all below it.
  mutating func forget(_ watch: Watch) {
    if let folder = folders.table.folder(watch) {
      writers.forget(below: folder)
      roots[folder.root]?.facts.forgetAll()
    }
    for gone in folders.remove(watch) { drop(gone) }
  }

  /// Lets go what is known by this watch, which stands for nothing any more.
  mutating func drop(_ watch: Watch) {
    kernel.unwatch(watch)
    folders.forget(watch)
    probes.forget(watch)
    leftOut.forget(watch)
    looks.forget(watch)
  }

  /// Reports whether a sync tool keeps the folder, where that is new.
  mutating func noteSyncMark(_ isThere: Bool, in folder: FileKey) {
    if isThere {
      if syncMarked.insert(folder).inserted { news.add(.syncMark(folder: folder)) }
    } else if syncMarked.remove(folder) != nil {
      // A root below a sync tool's folder stays there.
      let isBelow = folder.path.bytes.isEmpty && roots[folder.root]?.isBelowSyncMark == true
      if !isBelow { news.add(.syncMarkGone(folder: folder)) }
    }
  }

  /// Where it is, for people.
  func name(of key: FileKey) -> String {
    DropPath.display(
      (roots[key.root]?.path ?? []) + (key.path.bytes.isEmpty ? [] : [UInt8(ascii: "/")] + key.path.bytes))
  }

  // MARK: reporting

  /// Reports a prompt, or remembers its folder where there is no room.
  mutating func tell(_ prompt: FileKey, _ hint: Hint, in folder: Watch) {
    guard room.take() else {
      looks.couldNotTell(in: folder)
      room.ranOut()
      return
    }
    news.add(.prompt(prompt, hint))
  }

  /// Folders of which something could not be reported are scanned, now that there is room.
  mutating func takeUpUnheard() {
    if room.isEnough { looks.takeUpUnheard() }
  }
}
