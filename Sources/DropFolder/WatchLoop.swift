import CLinux
import Glibc
import JobCore

/// The watching thread: it reads events, looks through folders, reports, and sleeps until there is more to do.
struct WatchLoop: ~Copyable {
  private typealias Instant = ContinuousClock.Instant

  private var tree: WatchedTree
  private let options: FolderWatcher.Options
  private let commands: Commands
  private let sink: ([FolderEvent]) -> Void
  private let hasLinks: Bool

  private var scans: ScanTimes
  private var mounts: MountWatch
  private var nextPoll: ContinuousClock.Instant = .now
  private var nextRootCheck: ContinuousClock.Instant = .now
  // When it is said again that roots cannot be used, while that is so.
  private var nextReminder: ContinuousClock.Instant?
  // While descriptors are used up.
  private var pausedUntil: ContinuousClock.Instant?
  // Whether something was looked through for want of watches.
  private var wasShort = false
  // What the last sleep ended with: something is heard, or asked for.
  private var isHeard = true
  private var isAsked = true

  init(
    tree: consuming WatchedTree, options: FolderWatcher.Options, commands: Commands,
    sink: @escaping ([FolderEvent]) -> Void
  ) {
    hasLinks = tree.roots.values.contains { $0.isGivenByLink }
    scans = ScanTimes(every: options.rescanInterval)
    mounts = MountWatch(tree.roots.values.map(\.path))
    self.tree = tree
    (self.options, self.commands, self.sink) = (options, commands, sink)
  }

  // While a root is not there, or not yet, and where one was given by a link.
  private static let longestRootCheck: Duration = .seconds(5)

  /// Watches until it is stopped.
  mutating func run() {
    for (id, root) in tree.roots where root.isBelowSyncMark {
      tree.news.add(.syncMark(folder: FileKey(root: id, path: .root)))
    }
    while true {
      let requests = commands.take(isAsked)
      if requests.stop {
        for root in tree.roots.values { root.hearsNothing() }
        return
      }
      tree.room.update(requests.room, reported: requests.reported)
      // In the middle of a look, whatever poll(2) said: the kernel's queue must not run over.
      let isToHear = isHeard || tree.kernel.hasUnread || !tree.looks.isEmpty || tree.awaitsEvents
      let heard = isToHear ? tree.hear() : false
      answer(requests)
      // Events first: the sooner the kernel's queue is empty, the less has to be found by looking.
      if !tree.kernel.hasUnread { work() }
      let hasReported = report()
      (isHeard, isAsked) = (false, false)
      if tree.kernel.hasUnread || (tree.hasWork && pausedUntil == nil) { continue }
      if waitsForRoom, pausedUntil == nil,
        commands.roomHasCome(reported: tree.room.reported, atLeast: tree.room.wanted)
      {
        continue
      }
      sleep(isLull: heard && !hasReported && options.lull > .zero)
    }
  }

  private var waitsForRoom: Bool { !tree.looks.isEmpty || tree.looks.hasUnheard }

  private mutating func answer(_ requests: Commands.Requests) {
    let now = Instant.now
    for folder in requests.again { tree.lookAgain(below: folder) }
    if let until = pausedUntil, until <= now { pausedUntil = nil }
    tree.takeUpUnheard()
    tree.looks.takeUpDue()
    if requests.rescan { scans.want() }
    if scans.begins(at: now, hasOverflowed: tree.hasOverflowed) { tree.lookAtAll() }
    if tree.folders.arePolled, now >= nextPoll, tree.looks.isEmpty {
      tree.lookAtPolled()
      nextPoll = .distantFuture
    }
    if checksRoots, now >= nextRootCheck {
      tree.checkRoots()
      if tree.looks.isEmpty { tree.lookAtUnreadable() }
      nextRootCheck = now + min(options.pollInterval, Self.longestRootCheck)
    }
    if tree.absences.areNone {
      nextReminder = nil
    } else if let moment = nextReminder, moment <= now {
      tree.remind()
      nextReminder = now + options.reminder
    } else {
      nextReminder = nextReminder ?? now + options.reminder
    }
  }

  // Whether roots have to be looked at though no event says so.
  private var checksRoots: Bool { tree.absences.needChecks || hasLinks }

  private mutating func work() {
    guard tree.hasWork, pausedUntil == nil else { return }
    let begin = Instant.now
    // Between two parts the kernel's queue is read: it must not run over meanwhile.
    if !tree.work(folders: 64) { pausedUntil = .now + .seconds(1) }
    let end = Instant.now
    scans.worked(for: end - begin)
    tree.room.looked(for: end - begin)
    guard tree.looks.isEmpty else { return }
    let ended = scans.ended(at: end, pollInterval: options.pollInterval)
    nextPoll = ended.nextPoll
    if ended.wasScan {
      tree.confirmed.endScan()
      // What the scan and its consequences needed is not needed until the next one.
      pd_return_free_memory()
    }
  }

  // Whether there was anything.
  private mutating func report() -> Bool {
    if tree.takeChange() { commands.conditions = tree.conditions }
    // Not in the middle of a look, which begins as if there were watches again.
    if tree.looks.isEmpty {
      let isShort = tree.folders.areShortOfInotify
      if wasShort, !isShort { tree.news.add(.watchedAgain) }
      wasShort = isShort
    }
    let events = tree.news.take()
    if !events.isEmpty { sink(events) }
    return !events.isEmpty
  }

  // `isLull`: the next events can wait a moment.
  private mutating func sleep(isLull: Bool) {
    let wait = wakeUp(isLull: isLull).map { Int32(clamping: max(0, ($0 - .now).milliseconds + 1)) } ?? -1
    // A descriptor below zero is passed over.
    var waiting = [
      pollfd(fd: isLull ? -1 : tree.kernel.descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: commands.wake, events: Int16(POLLIN), revents: 0),
      pollfd(fd: mounts.descriptor, events: Int16(POLLPRI), revents: 0),
    ]
    _ = poll(&waiting, 3, wait)
    isHeard = waiting[0].revents != 0 || isLull
    isAsked = waiting[1].revents != 0
    if waiting[2].revents != 0, mounts.look() { scans.want() }
  }

  // When there is something to do unasked; nil: never.
  private func wakeUp(isLull: Bool) -> ContinuousClock.Instant? {
    var until = scans.nextBegin(hasOverflowed: tree.hasOverflowed)
    func sooner(_ moment: Instant?) { if let moment { until = min(until ?? moment, moment) } }
    if tree.moves.isWaiting { sooner(.now + UnpairedMoves.patience) }
    if tree.looks.isEmpty {
      if tree.folders.arePolled { sooner(nextPoll) }
      sooner(tree.looks.nextDue)
    }
    if checksRoots { sooner(nextRootCheck) }
    sooner(nextReminder)
    sooner(tree.probes.nextDeadline)
    sooner(pausedUntil)
    if waitsForRoom, tree.room.nextLook > .now { sooner(tree.room.nextLook) }
    if isLull { sooner(.now + options.lull) }
    return until
  }
}
