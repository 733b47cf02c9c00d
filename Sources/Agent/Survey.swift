import JobCore

/// What of the roots has been looked through since the start.
struct Survey {
  private var unscanned: Set<RootID>
  private var unreadable: [RootID: JobError] = [:]
  private var seen: Set<RootID> = []
  // Those that are not there, or cannot be looked through.
  private var absent: Set<RootID> = []
  /// Roots that are new to the journal, and in which nobody has looked for sidecars yet.
  private(set) var fresh: Set<RootID> = []
  // Sidecars found there that are being read.
  private var reading = 0
  /// Whether there are sidecars in roots that are new to the journal: everything is looked at before anything is paid for.
  private(set) var foundSidecars = false

  init(_ roots: some Sequence<RootID>) { unscanned = Set(roots) }

  /// Whether every root was looked through once, or cannot be.
  var isScanned: Bool { unscanned.isEmpty }
  /// Whether what sidecars in new roots tell is in the journal.
  var isSurveyed: Bool { fresh.isEmpty && reading == 0 }
  /// Why a root cannot be looked through; nil where all can.
  var unreadableRoot: JobError? { unreadable.min { $0.key.number < $1.key.number }?.value }

  /// The journal has nothing of a root.
  mutating func isNew(_ root: RootID) { fresh.insert(root) }
  /// The names in it have been looked through.
  mutating func surveyed(_ root: RootID, hasSidecars: Bool) {
    fresh.remove(root)
    if hasSidecars { foundSidecars = true }
  }
  mutating func beginReading() { reading += 1 }
  mutating func endReading() { reading -= 1 }

  /// A look through it has ended. Whether it was the first since the root is there.
  mutating func scanned(_ root: RootID) -> Bool {
    unscanned.remove(root)
    return !absent.contains(root) && seen.insert(root).inserted
  }
  /// What is missing in it may be on a disk that is not mounted: the next look through it counts as the first.
  mutating func isInDoubt(_ root: RootID) { seen.remove(root) }
  /// It is not there.
  mutating func isGone(_ root: RootID) {
    isAbsent(root)
    unreadable[root] = nil
  }
  /// It is there and cannot be looked through.
  mutating func isUnreadable(_ root: RootID, _ error: JobError) {
    isAbsent(root)
    unreadable[root] = error
  }
  private mutating func isAbsent(_ root: RootID) {
    unscanned.remove(root)
    seen.remove(root)
    absent.insert(root)
  }
  /// It is there again.
  mutating func isBack(_ root: RootID) {
    absent.remove(root)
    unreadable[root] = nil
  }
}
