import JobCore

/// A folder that is to be looked through.
struct Look {
  enum Place {
    case root(RootID)
    case child(of: Inotify.Watch, [UInt8])
    case folder(Inotify.Watch)
    /// Everything that was begun for the root before this is done.
    case done(RootID)
  }
  var place: Place
  /// Whether what is below it is looked through too.
  var isRecursive = true
  /// Names up to this one have been reported.
  var after: [UInt8] = []
  /// Names after that one, in order, that an earlier look has found and that there was no room for.
  var found: ArraySlice<[UInt8]> = []
  /// Whether there may be more than those.
  var hasMore = true

  init(_ place: Place, isRecursive: Bool = true) {
    (self.place, self.isRecursive) = (place, isRecursive)
  }
}

/// What is still to be looked through, and when.
struct LookQueue {
  typealias Watch = Inotify.Watch

  // The next last.
  private var looks: [Look] = []
  // How many names they hold.
  private var names = 0
  // Folders of which something could not be reported for lack of room.
  private var unheard: Set<Watch> = []
  // Folders that are looked through at a time, because a file has come or gone that may be some prompt's list.
  private var due: [Watch: ContinuousClock.Instant] = [:]
  // Without what was found already, a folder of many prompts is listed again for each part of them that there is room for:
  // of 20,000 prompts that come at once these are all that a listener with room for 4,096 cannot take. Beyond so many names,
  // about a megabyte, listing again is cheaper than keeping them.
  private static let mostNames = 16_384

  var isEmpty: Bool { looks.isEmpty }
  var count: Int { looks.count }

  /// The look comes next.
  mutating func add(_ look: Look) {
    var look = look
    let room = Self.mostNames - names
    if look.found.count > room {
      // A copy: the slice would keep all of them.
      (look.found, look.hasMore) = (Array(look.found.prefix(max(0, room)))[...], true)
    }
    names += look.found.count
    looks.append(look)
  }

  mutating func next() -> Look? {
    guard let look = looks.popLast() else { return nil }
    names -= look.found.count
    return look
  }

  /// Nothing is to be looked through but what is added from now on, and what has a time of its own.
  mutating func clear() { (looks, names, unheard) = ([], 0, []) }

  /// The folder is not there any more.
  mutating func forget(_ folder: Watch) {
    due[folder] = nil
    unheard.remove(folder)
  }

  // MARK: what there was no room for

  var hasUnheard: Bool { !unheard.isEmpty }

  /// Something in the folder could not be reported.
  mutating func couldNotTell(in folder: Watch) { unheard.insert(folder) }

  /// Those folders are looked through now.
  mutating func takeUpUnheard() {
    for folder in unheard { add(Look(.folder(folder), isRecursive: false)) }
    unheard = []
  }

  // MARK: times

  func isScheduled(_ folder: Watch) -> Bool { due[folder] != nil }

  /// The folder is looked through then, without what is below it.
  mutating func schedule(_ folder: Watch, at time: ContinuousClock.Instant) { due[folder] = time }

  /// When the next folder's time comes.
  var nextDue: ContinuousClock.Instant? { due.values.min() }

  /// Folders whose time has come are looked through now.
  mutating func takeUpDue() {
    guard !due.isEmpty else { return }
    for (folder, time) in due where time <= .now {
      due[folder] = nil
      add(Look(.folder(folder), isRecursive: false))
    }
  }
}
