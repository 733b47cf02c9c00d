import Glibc
import JobCore

// Prompts with all that decides on them: their lists, and the defaults of their folders.
extension FolderFiles {
  /// Reads prompts, each with all that decides on it; bytes only where the file did not change meanwhile.
  public func readSources(_ files: [SourceQuery], limit: Int) async -> [SourceReading] {
    // Each is some calls; beyond a few that adds up. One on a file server may hold up all.
    let isLong = files.contains { few($0.prompt.root) == .long }
    let readings = await onWorker(isLong ? .long : files.count > 4 ? .local : .short) { self.read(files, limit: limit) }
    // A file that was just closed may still look open for some milliseconds, for which only a worker waits.
    let open = isLong ? [] : readings.indices.filter { readings[$0].beingWritten != nil }
    guard !open.isEmpty else { return readings }
    let again = await onWorker(.long) { self.read(open.map { files[$0] }, limit: limit) }
    var all = readings
    for (index, reading) in zip(open, again) { all[index] = reading }
    return all
  }

  private func read(_ files: [SourceQuery], limit: Int) -> [SourceReading] {
    // Most files of a batch share their folder.
    var folders: [FileKey: (found: FolderFindings, opened: OpenFolder?)] = [:]
    return files.map { file in
      let folder = file.prompt.folder
      let shared =
        folders[folder] ?? (findings(around: file.prompt, limit: limit), openedForReading(folderOf: file.prompt))
      folders[folder] = shared
      return readSource(file, shared.found, in: shared.opened, limit: limit)
    }
  }

  // Nil where it cannot be opened: whoever opens what is in it finds out why.
  private func openedForReading(folderOf file: FileKey) -> OpenFolder? {
    do throws(LocalTrouble) { return OpenFolder(try openFolder(of: file)) } catch { return nil }
  }

  /// What the prompts of a folder share.
  private struct FolderFindings {
    var controls: ControlNames
    var defaults: [FolderDefaults] = []
    var unclear: [UnclearControl] = []
    /// The nearest of the defaults that a program has open for writing.
    var beingWritten: FileKey?
    /// The files that this was read from.
    var files: [FileKey] { defaults.map(\.file) + unclear.flatMap(\.files) }
    /// Whether every later change is heard of: not of a file that could not be looked at, and not of one with other names,
    /// under which somebody may write into it.
    var isCertain = true

    mutating func took(_ seen: FolderFiles.Seen) {
      if seen.hasOtherNames { isCertain = false }
      if case .unreadable = seen.sighting { isCertain = false }
    }
  }

  private func readSource(
    _ file: SourceQuery, _ found: FolderFindings, in folder: OpenFolder?, limit: Int
  ) -> SourceReading {
    if isLeftOut(file.prompt) {
      return SourceReading(
        prompt: .missing, promptBytes: nil, list: .missing, listBytes: nil, defaults: found.defaults)
    }
    let place = listPlace(file, found.controls)
    if let known = file.known, case .file(let stamp, let age) = sight(file.prompt, in: folder).sighting,
      stamp == known.prompt
    {
      let list = sight(place.file, in: folder).sighting
      let isSame =
        switch (list, known.list) {
        case (.missing, nil): true
        case (.file(let stamp, _), let before?): stamp == before
        default: false
        }
      if isSame {
        return SourceReading(
          prompt: .file(stamp, age: age), promptBytes: nil, list: list, listBytes: nil, listFile: place.file,
          defaults: found.defaults, unclear: found.unclear + unclearList(file, place, list))
      }
    }
    let prompt = sight(file.prompt, readUpTo: limit, in: folder)
    let list =
      isMissing(place.file, in: folder)
      ? Seen(sighting: .missing) : sight(place.file, readUpTo: limit, in: folder)
    var reading = SourceReading(
      prompt: prompt.sighting, promptBytes: prompt.bytes, list: list.sighting, listBytes: list.bytes,
      listFile: place.file, defaults: found.defaults,
      unclear: found.unclear + unclearList(file, place, list.sighting), beingWritten: found.beingWritten)
    if list.isBeingWritten { reading.beingWritten = place.file }
    if prompt.isBeingWritten { reading.beingWritten = file.prompt }
    if prompt.bytes != nil {
      do throws(LocalTrouble) {
        reading.sidecar = .success(try findSidecar(of: file.prompt, in: folder))
      } catch {
        reading.sidecar = .failure(error)
      }
    }
    return reading
  }

  private func unclearList(
    _ file: SourceQuery, _ place: (file: FileKey, unclear: [[UInt8]]), _ list: Sighting
  ) -> [UnclearControl] {
    switch list {
    case .notAFile(let kind): [UnclearControl(.list, [place.file], .notAFile(kind))]
    case .unreadable(let error): [UnclearControl(.list, [place.file], .unreadable(error))]
    case .missing where !place.unclear.isEmpty:
      [UnclearControl(.list, place.unclear.map { file.list.sibling($0) }, .name)]
    case .file, .missing: []
    }
  }

  // Where the list stands, and which names only look like its name.
  private func listPlace(_ query: SourceQuery, _ controls: ControlNames) -> (file: FileKey, unclear: [[UInt8]]) {
    guard controls.hasLists, case .missing = sight(query.list).sighting,
      let stem = DropNames.stem(query.prompt.path.name)
    else {
      return (query.list, [])
    }
    func isThere(_ name: [UInt8]) -> Bool { isFile(query.list.sibling(name)) }
    let choice = controls.list(ofStem: stem) { name in
      guard case .imageList(let other) = DropNames.meaning(of: name), other != stem else { return false }
      return isThere(DropNames.prompt(stem: other)) || isThere(other + Array(".PROMPT".utf8))
    }
    switch choice {
    // What is not there any more stands for nothing; nor does a folder of such a name.
    case .taken(let name): return isThere(name) ? (query.list.sibling(name), []) : (query.list, [])
    case .unclear(let names): return (query.list, names.filter(isThere))
    case .none: return (query.list, [])
    }
  }

  /// Where the list of a prompt stands.
  func listPlace(of query: SourceQuery) -> FileKey {
    let folder = query.prompt.folder
    if let root = roots[folder.root], root.facts.knows(folder.path) {
      return listPlace(query, root.controls.heard(folder.path)).file
    }
    return listPlace(query, controlNames(in: folder).names).file
  }

  /// The defaults of the folder and of those above it, the nearest first.
  public func folderDefaults(above file: FileKey, limit: Int) async -> [FolderDefaults] {
    if let known = knownDefaults(above: file, limit) { return known }
    return await onWorker(few(file.root)) { self.findings(around: file, limit: limit).defaults }
  }

  // What is remembered needs no trip to a worker. Nil: not all of it is.
  private func knownDefaults(above file: FileKey, _ limit: Int) -> [FolderDefaults]? {
    guard let facts = roots[file.root]?.facts else { return nil }
    var defaults: [FolderDefaults] = []
    var folder = file.path.directory
    while true {
      guard let known = facts.known(folder, limit: limit) else { return nil }
      defaults += known.defaults
      if folder.bytes.isEmpty { return defaults }
      folder = folder.directory
    }
  }

  private func findings(around file: FileKey, limit: Int) -> FolderFindings {
    var folder = file.folder
    var found = level(folder, limit)
    while !folder.path.bytes.isEmpty {
      folder = folder.folder
      let above = level(folder, limit)
      found.defaults += above.defaults
      found.unclear += above.unclear
      found.beingWritten = found.beingWritten ?? above.beingWritten
    }
    return found
  }

  // What one folder says; from memory, where its changes are heard of.
  private func level(_ folder: FileKey, _ limit: Int) -> FolderFindings {
    guard let root = roots[folder.root] else { return FolderFindings(controls: ControlNames()) }
    if let known = root.facts.known(folder.path, limit: limit) {
      return FolderFindings(
        controls: root.controls.heard(folder.path), defaults: known.defaults, unclear: known.unclear)
    }
    let changes = root.facts.changes
    let (names, isHeard) = controlNames(in: folder)
    var found = FolderFindings(controls: names)
    takeDefaults(folder, names, limit, &found)
    // A writer that has not written yet is not heard of, nor the end of what keeps a file from being read.
    let isCertain = found.isCertain && found.defaults.allSatisfy { (try? $0.content.get()) != nil }
    if isHeard, isCertain, found.beingWritten == nil, areOfTheirFolder(found.files, folder) {
      root.facts.remember(
        .init(limit: limit, defaults: found.defaults, unclear: found.unclear), of: folder.path, since: changes)
    }
    return found
  }

  // Nothing is heard here of a file that is itself a mount point, as containers have their configuration: who changes it does
  // so under its other name.
  private func areOfTheirFolder(_ files: [FileKey], _ folder: FileKey) -> Bool {
    guard !files.isEmpty else { return true }
    guard let place = roots[folder.root]?.place else { return false }
    do throws(SystemError) {
      let opened = try place.folder(folder.path)
      let mount = try opened.mount()
      for file in files where try opened.mount(of: file.path.name) != mount { return false }
      return true
    } catch {
      // What cannot be told is read each time.
      return false
    }
  }

  private func takeDefaults(_ folder: FileKey, _ names: ControlNames, _ limit: Int, _ found: inout FolderFindings) {
    func key(_ name: [UInt8]) -> FileKey { FileKey(root: folder.root, path: folder.path.appending(name)) }
    if takeDefaults(key(DropNames.folderDefaults), limit, &found) { return }
    switch names.folderDefaults {
    case .none: return
    case .taken(let name): _ = takeDefaults(key(name), limit, &found)
    case .unclear(let names):
      let files = names.map(key)
      let speaking = files.filter { file in
        guard ControlNames.speaksForItself(file.path.name) else { return false }
        let seen = sight(file)
        found.took(seen)
        if case .file = seen.sighting { return true }
        return false
      }
      guard speaking.isEmpty else { return found.unclear.append(UnclearControl(.defaults, speaking, .name)) }
      for file in files {
        let seen = sight(file, readUpTo: limit)
        found.took(seen)
        guard let bytes = seen.bytes else { continue }
        found.unclear.append(UnclearControl(.defaults, [file], .name, content: bytes))
      }
    }
  }

  private func isFile(_ file: FileKey) -> Bool { if case .file = sight(file).sighting { true } else { false } }

  // Whether there is such a file.
  private func takeDefaults(_ key: FileKey, _ limit: Int, _ found: inout FolderFindings) -> Bool {
    let seen = sight(key, readUpTo: limit)
    found.took(seen)
    if seen.isBeingWritten, found.beingWritten == nil { found.beingWritten = key }
    switch (seen.sighting, seen.bytes) {
    case (.file, let bytes?): found.defaults.append((key, .success(bytes)))
    case (.missing, _): return false
    case (.unreadable(let error), _) where error.isOfMachine:
      found.defaults.append((key, .failure(LocalTrouble(error))))
    case (let sighting, _):
      let why =
        if case .unreadable(let error) = sighting { error.message } else { "it is no regular file, or too large" }
      let error = JobError(
        code: .folderDefaultsUnreadable, message: "\(key.path.display) cannot be read: \(why)",
        hint: "Correct or remove that file.", retryable: true)
      found.defaults.append((key, .failure(LocalTrouble(error))))
    }
    return true
  }

  // Names in a folder that may be meant as control files', and whether changes in it are heard of. A folder that cannot be
  // listed has none that could be taken.
  private func controlNames(in folder: FileKey) -> (names: ControlNames, isHeard: Bool) {
    guard let root = roots[folder.root], let place = root.place else { return (ControlNames(), false) }
    do throws(SystemError) {
      // The root's own descriptor is nobody's to list with.
      if folder.path.bytes.isEmpty, root.controls.hears(place.identity.device) {
        return (root.controls.heard(folder.path), true)
      }
      let opened = try place.open(folder.path.bytes, O_RDONLY | O_DIRECTORY)
      let status = try opened.status()
      if let known = root.controls.names(folder.path, status.stamp) {
        return (known, root.controls.hears(UInt64(status.st_dev)))
      }
      var names = ControlNames()
      try FolderListing.each(in: opened) { entry in
        if !entry.isFolder, ControlNames.mayMatter(entry.name) { names.insert(entry.bytes) }
      }
      // A change within the clock's coarseness would not be seen.
      if status.age(now: coarseWallClock()) > .seconds(2) { root.controls.remember(folder.path, status.stamp, names) }
      return (names, false)
    } catch {
      return (ControlNames(), false)
    }
  }
}
