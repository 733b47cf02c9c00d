import CLinux
import Glibc
import JobCore

/// The watching thread: looks, listens, tells, and sleeps until the next of these.
struct WatchLoop: ~Copyable {
  var tree: WatchedTree
  let options: FolderWatcher.Options
  let commands: Commands
  let sink: ([FolderEvent]) -> Void

  private typealias Instant = ContinuousClock.Instant
  // Told whenever something is mounted or unmounted.
  private let mountTable = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)
  private var nextScan: ContinuousClock.Instant = .distantFuture
  private var nextPoll: ContinuousClock.Instant = .now
  private var nextRootCheck: ContinuousClock.Instant = .now
  // When it is said again that roots cannot be used, while that is so.
  private var nextReminder: ContinuousClock.Instant?
  private let hasLinks: Bool
  // Before this, only much room is worth a look for what could not be told.
  private var nextLookForRoom: ContinuousClock.Instant = .now
  // While descriptors are used up.
  private var pausedUntil: ContinuousClock.Instant?
  // Whether a look at everything is under way, or due; what is being done has taken this long so far.
  private var isScanning = false
  private var wantsScan = true
  private var workTime: Duration = .zero
  private var lastScanTime: Duration = .zero
  private var scanEndedAt: ContinuousClock.Instant = .now
  private var mountPoints: Set<[UInt8]> = []
  private var wasShort = false
  // What the last sleep ended with: something is heard, or asked for.
  private var isHeard = true
  private var isAsked = true

  init(
    tree: consuming WatchedTree, options: FolderWatcher.Options, commands: Commands,
    sink: @escaping ([FolderEvent]) -> Void
  ) {
    hasLinks = tree.roots.values.contains { $0.isGivenByLink }
    self.tree = tree
    (self.options, self.commands, self.sink) = (options, commands, sink)
  }

  deinit { if mountTable >= 0 { close(mountTable) } }

  // While a root is not there, or not yet, and where one was given by a link.
  private static let longestRootCheck: Duration = .seconds(5)
  // A look at everything may take a hundredth of the time, one at what is polled a twentieth, and one after lost events a
  // tenth.
  private static let scanShare = 100
  private static let pollShare = 20
  private static let overflowShare = 10
  // Nor do looks for what there was no room for take more than a tenth of the time, unless there is room for this many.
  private static let roomShare = 10
  private static let muchRoom = 1024

  /// Watches until it is told to stop.
  mutating func run() {
    for (id, root) in tree.roots where root.isBelowSyncMark {
      tree.events.append(.syncMark(folder: FileKey(root: id, path: .root)))
    }
    mountPoints = MountTable.points(touching: tree.roots.values.map(\.path))
    while true {
      let requests = commands.take(isAsked)
      if requests.stop {
        for root in tree.roots.values { root.hearsNothing() }
        return
      }
      tree.room = requests.room == .max ? .max : requests.room - (tree.reported - requests.reported)
      tree.enoughRoom = enoughRoom
      // In the middle of a look, whatever poll(2) said: the kernel's queue must not run over.
      let heard = isHeard || !tree.looks.isEmpty ? tree.drain() : false
      tree.giveUpUnpairedMoves()
      tree.judgeProbes()
      answer(requests)
      work()
      let hasReported = report()
      (isHeard, isAsked) = (false, false)
      if tree.hasWork, pausedUntil == nil { continue }
      if waitsForRoom, pausedUntil == nil, commands.roomHasCome(reported: tree.reported, atLeast: enoughRoom) {
        continue
      }
      sleep(isLull: heard && !hasReported && options.lull > .zero)
    }
  }

  private var waitsForRoom: Bool { !tree.looks.isEmpty || !tree.unheard.isEmpty }
  private var enoughRoom: Int { Instant.now < nextLookForRoom ? Self.muchRoom : 1 }

  private mutating func answer(_ requests: Commands.Requests) {
    let now = Instant.now
    for folder in requests.again { tree.lookAgain(below: folder) }
    if let until = pausedUntil, until <= now { pausedUntil = nil }
    tree.takeUpUnheard()
    tree.takeUpControlLooks()
    if requests.rescan || (options.rescanInterval > .zero && now >= nextScan)
      || (tree.overflowed && now >= afterOverflow)
    {
      wantsScan = true
    }
    if wantsScan, !isScanning {
      (isScanning, wantsScan, workTime) = (true, false, .zero)
      tree.lookAtAll()
    }
    if !tree.polled.isEmpty, now >= nextPoll, tree.looks.isEmpty {
      tree.lookAtPolled()
      nextPoll = .distantFuture
    }
    if checksRoots, now >= nextRootCheck {
      tree.checkRoots()
      if tree.looks.isEmpty { tree.lookAtUnreadable() }
      nextRootCheck = now + min(options.pollInterval, Self.longestRootCheck)
    }
    if tree.absences.isEmpty {
      nextReminder = nil
    } else if let moment = nextReminder, moment <= now {
      tree.remind()
      nextReminder = now + options.reminder
    } else {
      nextReminder = nextReminder ?? now + options.reminder
    }
  }

  // Whether roots have to be looked at without anything being heard of them.
  private var checksRoots: Bool { !tree.gone.isEmpty || !tree.absences.isEmpty || hasLinks }

  private var afterOverflow: Instant { scanEndedAt + lastScanTime * Self.overflowShare }

  private mutating func work() {
    guard tree.hasWork, pausedUntil == nil else { return }
    let begin = Instant.now
    // Between two parts the kernel's queue is read: it must not run over meanwhile.
    if !tree.work(folders: 64) { pausedUntil = .now + .seconds(1) }
    let took = Instant.now - begin
    workTime += took
    if tree.wasShortOfRoom {
      tree.wasShortOfRoom = false
      nextLookForRoom = .now + took * Self.roomShare
    }
    guard tree.looks.isEmpty else { return }
    let end = Instant.now
    if isScanning {
      isScanning = false
      tree.confirmed.endScan()
      // What the scan and its consequences needed is not needed until the next one.
      pd_return_free_memory()
      (scanEndedAt, lastScanTime) = (end, workTime)
      nextScan = end + max(options.rescanInterval, workTime * Self.scanShare)
    }
    nextPoll = end + max(options.pollInterval, workTime * Self.pollShare)
    workTime = .zero
  }

  // Whether there was anything.
  private mutating func report() -> Bool {
    if tree.conditionsChanged {
      tree.conditionsChanged = false
      commands.conditions = tree.conditions
    }
    // Not in the middle of a look, which begins as if there were watches again.
    if tree.looks.isEmpty {
      let isShort = tree.isShortOfInotify
      if wasShort, !isShort { tree.events.append(.watchedAgain) }
      wasShort = isShort
    }
    let events = tree.takeEvents()
    if !events.isEmpty { sink(events) }
    return !events.isEmpty
  }

  // `isLull`: what the kernel has to tell can wait a moment.
  private mutating func sleep(isLull: Bool) {
    var until: Instant?
    func sooner(_ moment: Instant?) { if let moment { until = min(until ?? moment, moment) } }
    if !tree.movedFolders.isEmpty { sooner(.now + .milliseconds(10)) }
    if options.rescanInterval > .zero, !isScanning { sooner(nextScan) }
    if tree.overflowed, !isScanning { sooner(afterOverflow) }
    if !tree.polled.isEmpty, tree.looks.isEmpty { sooner(nextPoll) }
    if checksRoots { sooner(nextRootCheck) }
    sooner(nextReminder)
    sooner(tree.nextProbe)
    if tree.looks.isEmpty { sooner(tree.nextControlLook) }
    sooner(pausedUntil)
    if waitsForRoom, nextLookForRoom > .now { sooner(nextLookForRoom) }
    if isLull { sooner(.now + options.lull) }
    let wait = until.map { Int32(clamping: max(0, ($0 - .now).milliseconds + 1)) } ?? -1
    // A descriptor below zero is passed over.
    let inotify = isLull ? -1 : tree.inotify?.descriptor ?? -1
    var waiting = [
      pollfd(fd: inotify, events: Int16(POLLIN), revents: 0),
      pollfd(fd: commands.wake, events: Int16(POLLIN), revents: 0),
      pollfd(fd: mountTable, events: Int16(POLLPRI), revents: 0),
    ]
    _ = poll(&waiting, 3, wait)
    isHeard = waiting[0].revents != 0 || isLull
    isAsked = waiting[1].revents != 0
    if waiting[2].revents != 0 {
      let points = MountTable.points(touching: tree.roots.values.map(\.path))
      if points != mountPoints {
        mountPoints = points
        wantsScan = true
      }
    }
  }
}

extension ContinuousClock.Instant {
  fileprivate static var distantFuture: Self { .now + .seconds(3600 * 24 * 365) }
}
