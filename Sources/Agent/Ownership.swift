import JobCore

// What follows from whose a folder is.
extension Pipeline {
  /// Why nothing may be written beside a prompt; nil where it may.
  func notOurs(_ file: FileKey) async -> JobError? {
    if let known = ownership.knownBelonging(of: file) { return known.problem }
    return await ownership.problem(for: file)
  }

  /// Says that nothing is taken there.
  func sayNotOurs(_ file: FileKey, _ problem: JobError) {
    guard ownership.tookNothing(of: file, problem) else { return }
    observer.notice(problem.code == .otherOwner ? .info : .error, problem)
  }

  /// A folder may be this agent's now: what was not written down there is, and what was kept is put in its place.
  func showWhatWaited() {
    for entry in jobs.inHand where entry.sidecarIsStale { progress(entry) }
    let waiting = sidecars.takeWithheld()
    start { [self] in
      // Those with a picture to be put in place are shown with it.
      for id in waiting where !keptPictures.contains(id) { await show(id) }
      putKeptBack()
    }
  }

  /// Takes note of who wrote a sidecar that was just read.
  func noteWriter(of sidecar: Result<StatusSidecar?, JobError>, _ root: RootID) async {
    if case .success(let sidecar?) = sidecar { await noteWriter(of: sidecar, root) }
  }

  /// A sidecar that another agent made shows that the root is there too.
  func noteWriter(of sidecar: StatusSidecar, _ root: RootID) async {
    do {
      if let other = try await ownership.saw(sidecar, in: root) { try await record([.shared(root, with: other)]) }
    } catch {
      fail(error)
    }
  }

  /// What an earlier version wrote down as another agent's was this one's own, made when the machine had another name: jobs
  /// of this journal's have sidecars with that word.
  func forgiveFormerNames() async throws {
    for (root, word) in ownership.strangers where roots.contains(root) && word != identity?.id {
      let folder = FileKey(root: root, path: .root)
      for file in try await journal.prompts(in: folder, deep: true, after: nil, limit: 64) {
        guard let job = try await journal.known([file])[0]?.job, let sidecar = try await readable(file),
          sidecar.writer == nil, sidecar.owner == word, sidecar.jobID == job.text
        else { continue }
        ownership.isShared(root, with: nil)
        try await record([.shared(root, with: nil)])
        break
      }
    }
  }

  private func readable(_ file: FileKey) async throws -> StatusSidecar? {
    do throws(LocalTrouble) { return try await readSidecar(of: file) } catch {
      if error.isFatal { throw error }
      return nil  // It says nothing about who wrote it; whoever works on it says why it cannot be read.
    }
  }

  /// What `own` needs to know: the word that stands for this agent. Where the state is in doubt it becomes another agent's
  /// first, so that whoever has a copy of it stops; every folder is nobody's then, until `own` was said for it.
  func ownReply() async throws -> CommandReply {
    guard let identity else { return CommandReply(error: "This agent has no identity.") }
    let id = identity.id
    let noted = try await journal.sharedRoots()
    if ownership.isStateInDoubt || noted.values.contains(id) {
      // First: after the new id nothing would tell any more that these folders are in doubt.
      try await record(try await journal.roots().keys.map { .shared($0, with: id) })
      for root in roots { ownership.isShared(root, with: id) }
      do throws(LocalTrouble) { try identity.renew() } catch {
        return CommandReply(error: "\(error.error.message) \(error.error.hint ?? "")")
      }
    }
    var reply = CommandReply()
    reply.agent_id = identity.id
    return reply
  }
}
