import JobCore

// Only one agent may take what is in a folder, and only that one writes there.
extension Pipeline {
  // For this long an answer is good without anything being heard.
  private static let answerLife: Duration = .seconds(2)
  private static let mostAnswers = 1024

  /// Whose a file's folder is, given the owner that its defaults name and what is known of sync tools' marks.
  func belonging(_ file: FileKey, owner: String?, isMarked: Bool? = nil) -> Belonging {
    switch owner.map(reader.whose) {
    case .other?: return .other(othersFolder(file, owner ?? ""))
    case .namesake?:
      return .undecided(
        undecided(file, "its owner \"\(owner ?? "")\" has this agent's name, but was made with another state"))
    case .own?: return isStateInDoubt ? .undecided(doubt(file)) : .own
    case nil: break
    }
    if isStateInDoubt { return .undecided(doubt(file)) }
    if let other = sharedWith[file.root] {
      return .undecided(undecided(file, "the agent \"\(other)\" has taken prompts in it"))
    }
    let isMarked =
      isMarked ?? syncMarks.contains { $0.root == file.root && file.path.isBelowOrEqual($0.path) }
    return isMarked ? .undecided(undecided(file, "a sync tool keeps it on several machines")) : .own
  }

  /// Whose a file's folder is, looked up.
  func belonging(of file: FileKey) async -> Belonging {
    let generation = ownersGeneration
    let owner = owner(in: await files.folderDefaults(above: file, limit: settings.maxPromptBytes))
    let answer = belonging(file, owner: owner, isMarked: owner == nil ? await files.hasSyncMark(above: file) : false)
    // Whatever was heard meanwhile may have come too late for it.
    if generation == ownersGeneration {
      if owners.count >= Self.mostAnswers { owners = [:] }
      owners[file.folder] = (answer, now)
    }
    return answer
  }

  /// Whose a file's folder is, by what was looked up a moment ago, if it was.
  func lastBelonging(of file: FileKey) async -> Belonging {
    if let (answer, since) = owners[file.folder], now - since < Self.answerLife { return answer }
    return await belonging(of: file)
  }

  /// Why nothing may be written beside a prompt; nil where it may.
  func notOurs(_ file: FileKey) async -> JobError? { await lastBelonging(of: file).problem }

  /// The owner that defaults name. Those that cannot be read name nobody.
  func owner(in defaults: [FolderDefaults]) -> String? {
    reader.owner(
      defaults.compactMap { defaults in
        if case .success(let bytes) = defaults.content { bytes } else { nil }
      })
  }

  /// Something has been heard that may make a folder another's.
  func ownersChanged() {
    owners = [:]
    ownersGeneration &+= 1
  }

  // MARK: in words

  /// The command that makes a folder this agent's.
  private func ownCommand(_ path: String) -> String {
    "promptdrop own \(ShellText.word(path))\(settings.commandFlags)"
  }

  private func othersFolder(_ file: FileKey, _ owner: String) -> JobError {
    JobError(
      code: .otherOwner,
      message: "Nothing is taken in \(absolute(file.folder)): it belongs to the agent \"\(owner)\", as its "
        + "\(DropPath.display(DropNames.folderDefaults)) or one above it says.",
      hint: "\(ownCommand(absolute(file.folder))) makes it this agent's, and the other one's no more.",
      retryable: true)
  }

  private func undecided(_ file: FileKey, _ why: String) -> JobError {
    JobError(
      code: .sharedFolder,
      message:
        "Nothing is taken in \(name(of: file.root)): \(why), and two that take the same prompts would pay twice.",
      hint: "\(ownCommand(name(of: file.root))) makes this machine the one that takes them.", retryable: true)
  }

  private func doubt(_ file: FileKey) -> JobError {
    JobError(
      code: .stateInDoubt,
      message:
        "Nothing is taken in \(name(of: file.root)): a sidecar was written with this agent's state that this state "
        + "knows nothing of. The state was copied and is used elsewhere too, or an older copy of it was put back.",
      hint:
        "\(ownCommand(name(of: file.root))) makes this machine the one that takes what is in it; make sure first "
        + "that no other machine uses a copy of the state.", retryable: true)
  }

  // MARK: who has written here

  /// Whether a sidecar was seen that this agent's state must have written, and did not.
  var isStateInDoubt: Bool { identity.map { sharedWith.values.contains($0.id) } ?? false }

  /// What was seen before, for a command that is answered where no agent runs.
  func rememberStrangers() async throws {
    if sharedWith.isEmpty { sharedWith = try await journal.sharedRoots() }
  }

  /// Takes note of who wrote a sidecar that was just read.
  func noteWriter(of sidecar: Result<StatusSidecar?, JobError>, _ root: RootID) async {
    if case .success(let sidecar?) = sidecar { await noteWriter(of: sidecar, root) }
  }

  /// A sidecar that another agent made shows that the root is there too.
  func noteWriter(of told: StatusSidecar, _ root: RootID) async {
    guard let identity else { return }
    do {
      guard let other = try await stranger(told, identity), sharedWith[root] == nil || other == identity.id,
        sharedWith[root] != other
      else { return }
      sharedWith[root] = other
      ownersChanged()
      try await record([.shared(root, with: other)])
    } catch {
      fail(error)
    }
  }

  // Who wrote it, where that was not this agent with this state: this agent's own id stands for a copy of its state.
  private func stranger(_ told: StatusSidecar, _ identity: any AgentIdentity) async throws -> String? {
    if let writer = told.writer {
      if writer.id == identity.id { return identity.knows(run: writer.run) ? nil : writer.id }
      return writer.id
    }
    // An earlier version's. The machine may have had another name then; but a job that this journal has is this agent's.
    guard let owner = told.owner, !owner.isEmpty, reader.whose(owner) != .own,
      try await journal.jobs([JobID(told.jobID)])[0] == nil
    else { return nil }
    return owner
  }

  /// Whether a sidecar in a folder that is nobody's may be this agent's own all the same: it is from a lost or an older state
  /// of it. What it tells is paid for, so it is followed, but not written down in the folder.
  func maybeOurs(_ told: StatusSidecar) -> Bool {
    if let writer = told.writer, writer.id == identity?.id { return true }
    guard !settings.machine.isEmpty else { return false }
    if let writer = told.writer { return writer.machine == settings.machine }
    return told.owner == settings.machine || told.owner?.hasSuffix("@\(settings.machine)") == true
  }

  /// What an earlier version wrote down as another agent's was this one's own, made when the machine had another name: jobs
  /// of this journal's have sidecars with that word.
  func forgiveFormerNames() async throws {
    for root in roots {
      guard let word = sharedWith[root], word != identity?.id else { continue }
      let folder = FileKey(root: root, path: .root)
      for file in try await journal.prompts(in: folder, deep: true, after: nil, limit: 64) {
        guard let job = try await journal.known([file])[0]?.job, let told = try await readable(file),
          told.writer == nil, told.owner == word, told.jobID == job.text
        else { continue }
        sharedWith[root] = nil
        try await record([.shared(root, with: nil)])
        break
      }
    }
  }

  private func readable(_ file: FileKey) async throws -> StatusSidecar? {
    do throws(LocalTrouble) { return try await told(of: file) } catch {
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
    if isStateInDoubt || noted.values.contains(id) {
      // First: after the new id nothing would tell any more that these folders are in doubt.
      try await record(try await journal.roots().keys.map { .shared($0, with: id) })
      for root in roots { sharedWith[root] = id }
      ownersChanged()
      do throws(LocalTrouble) { try identity.renew() } catch {
        return CommandReply(error: "\(error.error.message) \(error.error.hint ?? "")")
      }
    }
    var reply = CommandReply()
    reply.agent_id = identity.id
    return reply
  }
}
