import CLinux
import Foundation
import Glibc
import JobCore
import Synchronization

/// Watches roots with inotify, on a thread of its own that sleeps in poll(2) while nothing happens.
public final class FolderWatcher: FolderWatching {
  private let roots: [RootID: RootFolder]
  private let rescanInterval: Duration
  private let commands: Commands

  private struct Requests {
    var stop = false
    var rescan = false
    var awaited: Set<FileKey> = []
  }

  // What other threads ask of the watching one, with the descriptor that wakes it.
  private final class Commands: Sendable {
    let requests = Mutex(Requests())
    let wake: Int32 = pd_eventfd()
    deinit { close(wake) }
    func ask(_ change: (inout Requests) -> Void) {
      requests.withLock { change(&$0) }
      var one: UInt64 = 1
      _ = write(wake, &one, 8)
    }
    func take() -> Requests {
      var count: UInt64 = 0
      _ = read(wake, &count, 8)
      return requests.withLock { requests in
        defer { requests.rescan = false }
        return requests
      }
    }
  }

  /// Takes open roots. `rescanInterval`: how often everything is looked through besides, zero for never.
  public init(roots: [RootID: RootFolder], rescanInterval: Duration) {
    self.roots = roots
    self.rescanInterval = rescanInterval
    commands = Commands()
  }

  /// Begins watching.
  public func start(_ sink: @escaping @Sendable ([FolderEvent]) -> Void) {
    let (roots, interval, commands) = (roots, rescanInterval, commands)
    let thread = Thread {
      do {
        var tree = WatchedTree(
          inotify: try Inotify(), roots: roots,
          isAwaited: { file in commands.requests.withLock { $0.awaited.contains(file) } },
          anyAwaited: { commands.requests.withLock { !$0.awaited.isEmpty } })
        Self.run(&tree, interval, commands, sink)
      } catch {
        let error = error as? JobError ?? JobError(code: "inotify-unavailable", message: "\(error)")
        sink([.trouble(error)] + roots.keys.map { .rootGone($0) })
      }
    }
    thread.name = "watch"
    thread.start()
  }

  private static func run(
    _ tree: inout WatchedTree, _ interval: Duration, _ commands: Commands, _ sink: ([FolderEvent]) -> Void
  ) {
    tree.scanAll()
    sink(tree.takeEvents())
    var nextScan = ContinuousClock.now + interval
    while true {
      var wait: Int32 = -1
      if tree.hasUnpairedMoves {
        wait = 10
      } else if interval > .zero {
        wait = Int32(clamping: max(0, (nextScan - .now).milliseconds + 1))
      }
      var waiting = [
        pollfd(fd: tree.descriptor, events: Int16(POLLIN), revents: 0),
        pollfd(fd: commands.wake, events: Int16(POLLIN), revents: 0),
      ]
      _ = poll(&waiting, 2, wait)
      let requests = commands.take()
      if requests.stop { return }
      if waiting[0].revents != 0 { tree.drain() }
      tree.giveUpUnpairedMoves()
      if requests.rescan || tree.overflowed || (interval > .zero && .now >= nextScan) {
        tree.scanAll()
        nextScan = .now + interval
      }
      let events = tree.takeEvents()
      if !events.isEmpty { sink(events) }
    }
  }

  /// The paths besides prompts and lists whose coming is to be told.
  public func await(_ files: Set<FileKey>) {
    commands.requests.withLock { $0.awaited = files }
  }

  /// Looks through everything again.
  public func rescan() { commands.ask { $0.rescan = true } }

  /// Ends.
  public func stop() { commands.ask { $0.stop = true } }
}
