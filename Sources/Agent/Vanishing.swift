import JobCore

/// A folder in which something is missing.
struct Vanished: Hashable, Sendable {
  var folder: FileKey
  /// Whether what is below it is meant too.
  var isDeep: Bool
}

/// Folders in which something is missing: they are looked through once that has lasted.
struct VanishedPlaces {
  private var places: Set<Vanished> = []
  private var isScheduled = false

  var isEmpty: Bool { places.isEmpty }

  /// Something is missing there. Whether a look is to be scheduled.
  mutating func add(_ place: Vanished) -> Bool {
    places.insert(place)
    defer { isScheduled = true }
    return !isScheduled
  }

  /// The time has come to look.
  mutating func take() -> Set<Vanished> {
    defer { (places, isScheduled) = ([], false) }
    return places
  }
}

// Prompts that are not there any more. Editors and sync tools delete and make anew: it counts once it has lasted.
extension Pipeline {
  func noticeGone(_ file: FileKey, at now: Duration) {
    guard let copies = origins.gone(file, at: now) else {
      return noticeVanished(Vanished(folder: file.folder, isDeep: false), at: now)
    }
    schedule(.look(file), at: now + settings.files.absence)
    // They turn out to be its new name.
    for copy in copies { schedule(.look(copy), at: now + settings.files.absence + .milliseconds(1)) }
  }

  func noticeVanished(_ place: Vanished, at now: Duration) {
    if vanished.add(place) { schedule(.vanished, at: now + settings.files.absence) }
  }

  /// Finds the prompts that something was noted of and that went while no agent ran. The watcher misses only those that were
  /// read as they stand.
  func missNoted(in root: RootID) {
    // Counted, so that `once` does not end meanwhile.
    arrivals.beginSearch()
    start { [self] in
      do {
        var missing: [FileKey] = []
        var rest = try await journal.noted(in: root)[...]
        while !rest.isEmpty, !isStopping {
          var present: [FileKey] = []
          for file in rest.prefix(64) {
            switch await files.look(file) {
            case .missing: missing.append(file)
            case .file: present.append(file)
            case .notAFile, .unreadable: break
            }
          }
          try await showUnshown(present)
          rest = rest.dropFirst(64)
          // Thousands may wait for something; events come in between.
          await Task.yield()
        }
        let gone = try await reallyMissing(missing, in: root)
        if gone.count < missing.count { survey.isInDoubt(root) }
        for folder in Set(gone.map(\.folder)) { noticeVanished(Vanished(folder: folder, isDeep: false), at: now) }
      } catch {
        fail(error)
      }
      arrivals.endSearch()
      pump()
    }
  }

  // One that is held or refused was compared at the start.
  private func showUnshown(_ files: [FileKey]) async throws {
    for known in try await journal.known(files) {
      guard let known, known.note?.state == .queued, !isStopping, let job = try await inHand(known.job) else {
        continue
      }
      try await compareWithSidecar(job)
    }
  }

  // Those whose disk is there. Before it is mounted, its mount point is an empty folder on another device.
  private func reallyMissing(_ missing: [FileKey], in root: RootID) async throws -> [FileKey] {
    if missing.isEmpty { return [] }
    var known: [FileKey] = []
    for (file, row) in zip(missing, try await journal.known(missing)) {
      guard let device = (row?.stamp?.prompt ?? row?.note?.approval?.prompt)?.device else { continue }
      if await files.hasPlace(beside: file, device: device) { known.append(file) }
    }
    if known.count == missing.count { return missing }
    do throws(LocalTrouble) {
      // A device may have another number after each mount; a mount point has no prompts.
      return try await files.prompts(below: FileKey(root: root, path: .root)).prompts.isEmpty ? known : missing
    } catch {
      observer.notice(.warning, error.error)
      return known
    }
  }

  /// Looks for the prompts of the folders in which something is missing, a part at a time.
  func lookForVanished() async {
    let places = vanished.take()
    do {
      for place in places {
        // What is below a folder that is looked through anyway is found with it.
        let isCovered = places.contains { other in
          other != place && other.isDeep && other.folder.root == place.folder.root
            && place.folder.path.isBelowOrEqual(other.folder.path)
        }
        if !isCovered || places.count > 1000 { try await lookForVanished(in: place) }
      }
    } catch {
      fail(error)
    }
  }

  private func lookForVanished(in place: Vanished) async throws {
    var last: DropPath?
    while !isStopping {
      let page = try await journal.prompts(in: place.folder, deep: place.isDeep, after: last, limit: 64)
      guard let end = page.last else { return }
      last = end.path
      var missing: [FileKey] = []
      for file in page where await files.look(file) == .missing { missing.append(file) }
      guard !missing.isEmpty else { continue }
      arrivals.beginBatch()
      await examine(missing)
    }
  }
}
