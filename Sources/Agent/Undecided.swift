import JobCore

// Folders where nothing is taken because nobody has said whose they are, or that are another agent's.
extension Pipeline {
  /// Takes note of whose sidecars stand beside files that were just read, before anything is decided about one of them.
  func noteWriters(_ files: [FileKey], _ readings: [SourceReading]) async {
    guard identity != nil else { return }
    for (file, reading) in zip(files, readings) {
      guard case .success(let bytes?) = reading.sidecar, let told = reader.sidecar(bytes) else { continue }
      await noteWriter(of: told, file.root)
    }
  }

  /// Whose the file's folder is, by what was just read of it.
  func belonging(_ file: FileKey, _ reading: SourceReading) -> Belonging {
    belonging(file, owner: owner(in: reading.defaults))
  }

  /// Says that nothing is taken there: once for a root that is nobody's, and once for each folder that is another agent's.
  func sayNotOurs(_ file: FileKey, _ problem: JobError) {
    let isOthers = problem.code == ErrorCode.otherOwner
    let place = isOthers ? file.folder : FileKey(root: file.root, path: .root)
    if !isOthers { undecided[place] = problem }
    // Said once: every rescan looks at it again. Beyond many it is a whole tree, and said enough.
    guard toldLeftOut.count < 10_000, toldLeftOut.insert(place).inserted else { return }
    observer.notice(isOthers ? .info : .error, problem)
  }

  /// Takes over what the sidecar of a prompt tells that the journal does not know, where it is likely that this agent wrote it
  /// with a state that was lost since: a task that is paid for is followed, and its picture kept in the state folder. Nothing
  /// is submitted for it before somebody says whose the folder is.
  func followUndecided(
    _ file: FileKey, _ known: KnownFile?, _ reading: SourceReading, _ stamp: TakenStamp
  ) async throws {
    guard known?.current ?? 0 == 0, let bytes = reading.promptBytes, case .success(let found?) = reading.sidecar,
      let told = reader.sidecar(found), told.tellsOfPayment, maybeOurs(told), let identity = told.identity,
      // A copy of a folder whose job is here already.
      try await journal.jobs([JobID(told.jobID)])[0] == nil
    else { return }
    let request: PromptRequest
    do throws(JobError) { request = try understand(file, bytes, reading) } catch {
      return  // What is wrong with it is said once the folder is this agent's.
    }
    let now = Identity(
      prompt: request.promptSHA, source: request.sourceSHA, list: request.listSHA, request: identity.request)
    guard let adopted = Adoption(told, now, count: max(1, told.count), now: wallClock) else {
      _ = try await believe(told, file, known, nil, stamp)
      return
    }
    var wanted = request
    wanted.snapshot.images = told.snapshot?.images ?? []
    let plan = try await takeAdopted(
      file, known, known?.job ?? JobID(told.jobID), adopted, told, wanted, identity, stamp,
      doubt(about: request, reading, stamp.prompt, known?.note?.approval), number: max(1, told.revision))
    guard try await !commit(plan.changes).contains(.stale) else { return }
    await plan.then()
  }

  /// A folder may be this agent's now: what was not written down there is, and what was kept is put in its place.
  func showWhatWaited() {
    for entry in jobs.inHand where entry.sidecarIsStale { progress(entry) }
    let waiting = unshown
    unshown = []
    start { [self] in
      // Those with a picture to be put in place are shown with it.
      for id in waiting where !keptJobs.contains(id) { await show(id) }
      putKeptBack()
    }
  }

  /// The roots in which nothing is taken, or in a part of which: a file that could be in each, and why.
  func placesNotOurs() async -> [(file: FileKey, belonging: Belonging)] {
    var places: [(FileKey, Belonging)] = []
    for root in roots {
      let file = FileKey(root: root, path: DropPath("any.prompt"))
      let answer = await belonging(of: file)
      if answer.problem != nil {
        places.append((file, answer))
      } else if let problem = undecided[file.folder], isStillTrue(file.folder) {
        places.append((file, .undecided(problem)))
      }
    }
    return places
  }

  // Of a part of a root: a sync tool's mark that has gone takes its reason along.
  private func isStillTrue(_ folder: FileKey) -> Bool {
    isStateInDoubt || sharedWith[folder.root] != nil || syncMarks.contains { $0.root == folder.root }
  }
}
