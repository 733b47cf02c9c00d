import JobCore

/// Whose folders are: only one agent may take what is in a folder, and only that one writes there. Whoever wants to know
/// asks here.
final class FolderOwnership {
  private let reader: any PromptReading
  private let files: any RootFiles
  private let journal: any JobJournal
  private let identity: (any AgentIdentity)?
  private let settings: AgentSettings
  private let places: PlaceNames
  private let surroundings: Surroundings

  // Folders that sync tools keep on several machines, and roots where another agent's sidecars were seen: which agent's.
  private var syncMarks: Set<FileKey> = []
  private var sharedWith: [RootID: String] = [:]
  // What was just looked up, by the folder. The number counts what was heard that may have changed it.
  private var answers: [FileKey: (Belonging, since: Duration)] = [:]
  private var generation = 0
  // Roots in a part of which nothing is taken because nobody has said whose it is, and why; and the places that were
  // reported.
  private var undecided: [RootID: JobError] = [:]
  private var reported: Set<FileKey> = []

  // For this long an answer is good without anything being heard.
  private static let answerLife: Duration = .seconds(2)
  private static let mostAnswers = 1024
  // Beyond many it is a whole tree, and said enough.
  private static let mostReported = 10_000

  init(
    _ reader: any PromptReading, _ files: any RootFiles, _ journal: any JobJournal, _ identity: (any AgentIdentity)?,
    _ settings: AgentSettings, _ places: PlaceNames, _ surroundings: Surroundings
  ) {
    self.reader = reader
    self.files = files
    self.journal = journal
    self.identity = identity
    self.settings = settings
    self.places = places
    self.surroundings = surroundings
  }

  // MARK: whose a folder is

  /// By what a reading of the file has of its folders' defaults.
  func belonging(_ file: FileKey, defaults: [FolderDefaults]) -> Belonging {
    belonging(file, owner: owner(in: defaults))
  }

  /// Given the owner that its defaults name, and what is known of sync tools' marks.
  func belonging(_ file: FileKey, owner: String?, isMarked: Bool? = nil) -> Belonging {
    switch owner.map(reader.whose) {
    case .other?: return .other(othersFolder(file, owner ?? ""))
    case .namesake?:
      return .undecided(
        undecided(file, "its owner \"\(owner ?? "")\" has this agent's name, but comes from another state"))
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

  /// Looked up.
  func belonging(of file: FileKey) async -> Belonging {
    let before = generation
    let owner = owner(in: await files.folderDefaults(above: file, limit: settings.files.maxPromptBytes))
    let answer = belonging(file, owner: owner, isMarked: owner == nil ? await files.hasSyncMark(above: file) : false)
    // Whatever was heard meanwhile may have come too late for it.
    if before == generation {
      if answers.count >= Self.mostAnswers { answers = [:] }
      answers[file.folder] = (answer, surroundings.monotonic())
    }
    return answer
  }

  /// As it was looked up a moment ago, if it was.
  func lastBelonging(of file: FileKey) async -> Belonging {
    if let answer = knownBelonging(of: file) { return answer }
    return await belonging(of: file)
  }

  /// As it was looked up a moment ago; nil: it was not, and has to be looked up.
  func knownBelonging(of file: FileKey) -> Belonging? {
    guard let (answer, since) = answers[file.folder], surroundings.monotonic() - since < Self.answerLife else {
      return nil
    }
    return answer
  }

  /// Why nothing may be written beside a prompt; nil where it may.
  func problem(for file: FileKey) async -> JobError? { await lastBelonging(of: file).problem }

  /// The roots in which nothing is taken, or in a part of which: a file that could be in each, and why.
  func notOurs(of roots: [RootID]) async -> [(file: FileKey, belonging: Belonging)] {
    var found: [(FileKey, Belonging)] = []
    for root in roots {
      let file = FileKey(root: root, path: DropPath("any.prompt"))
      let answer = await belonging(of: file)
      if answer.problem != nil {
        found.append((file, answer))
      } else if let problem = undecided[root], isStillTrue(root) {
        found.append((file, .undecided(problem)))
      }
    }
    return found
  }

  // Of a part of a root: a sync tool's mark that has gone takes its reason along.
  private func isStillTrue(_ root: RootID) -> Bool {
    isStateInDoubt || sharedWith[root] != nil || syncMarks.contains { $0.root == root }
  }

  // Those that cannot be read name nobody.
  private func owner(in defaults: [FolderDefaults]) -> String? {
    reader.owner(
      defaults.compactMap { defaults in
        if case .success(let bytes) = defaults.content { bytes } else { nil }
      })
  }

  // MARK: what is heard

  /// Something has been heard that may make folders others', or this agent's.
  func changed() {
    answers = [:]
    generation &+= 1
  }

  /// The defaults below a folder have changed: what is said of it is said anew.
  func changed(below folder: FileKey) {
    changed()
    undecided[folder.root] = nil
    reported = reported.filter { $0.root != folder.root || !$0.path.isBelowOrEqual(folder.path) }
  }

  /// A sync tool's mark came.
  func marked(_ folder: FileKey) {
    syncMarks.insert(folder)
    changed()
  }

  /// It is gone.
  func unmarked(_ folder: FileKey) {
    syncMarks.remove(folder)
    reported.remove(FileKey(root: folder.root, path: .root))
  }

  /// Nothing was taken of a file for this reason. Whether it is to be reported: once for a root that is nobody's, and once
  /// for each folder that is another agent's, because every rescan looks at it again.
  func tookNothing(of file: FileKey, _ problem: JobError) -> Bool {
    let isOthers = problem.code == .otherOwner
    if !isOthers { undecided[file.root] = problem }
    let place = isOthers ? file.folder : FileKey(root: file.root, path: .root)
    return reported.count < Self.mostReported && reported.insert(place).inserted
  }

  // MARK: who has written here

  /// Whether a sidecar was seen that this agent's state must have written, and did not.
  var isStateInDoubt: Bool {
    guard !sharedWith.isEmpty, let identity else { return false }
    return sharedWith.values.contains(identity.id)
  }

  /// Roots where another agent's sidecars were seen, and which agent's.
  var strangers: [RootID: String] { sharedWith }

  /// What earlier processes saw.
  func load() async throws { sharedWith = try await journal.sharedRoots() }

  /// The same for a command that is answered where no agent runs.
  func loadOnce() async throws { if sharedWith.isEmpty { try await load() } }

  /// Another agent has sidecars in the root; nil: that counts no more.
  func isShared(_ root: RootID, with other: String?) {
    sharedWith[root] = other
    changed()
  }

  /// A sidecar was read. One that another agent made shows that the root is there too: which one, where that is news.
  func saw(_ sidecar: StatusSidecar, in root: RootID) async throws -> String? {
    guard let identity, let other = try await stranger(sidecar, identity),
      sharedWith[root] == nil || other == identity.id, sharedWith[root] != other
    else { return nil }
    isShared(root, with: other)
    return other
  }

  // Who wrote it, where that was not this agent with this state: this agent's own id stands for a copy of its state.
  private func stranger(_ sidecar: StatusSidecar, _ identity: any AgentIdentity) async throws -> String? {
    if let writer = sidecar.writer {
      if writer.id == identity.id { return identity.knows(run: writer.run) ? nil : writer.id }
      return writer.id
    }
    // An earlier version's. The machine may have had another name then; but a job that this journal has is this agent's.
    guard let owner = sidecar.owner, !owner.isEmpty, reader.whose(owner) != .own,
      try await journal.jobs([JobID(sidecar.jobID)])[0] == nil
    else { return nil }
    return owner
  }

  /// Whether a sidecar in a folder that is nobody's may be this agent's own all the same: it is from a lost or an older state
  /// of it. What it tells is paid for, so it is followed, but not written down in the folder.
  func isPerhapsOurs(_ sidecar: StatusSidecar) -> Bool {
    if let writer = sidecar.writer, writer.id == identity?.id { return true }
    guard !settings.identity.machine.isEmpty else { return false }
    if let writer = sidecar.writer { return writer.machine == settings.identity.machine }
    return sidecar.owner == settings.identity.machine
      || sidecar.owner?.hasSuffix("@\(settings.identity.machine)") == true
  }

  // MARK: in words

  // The command that makes a folder this agent's.
  private func ownCommand(_ folder: FileKey) -> String { "promptdrop own \(places.argument(folder))" }

  private func othersFolder(_ file: FileKey, _ owner: String) -> JobError {
    JobError(
      code: .otherOwner,
      message: "Nothing is taken in \(places.absolute(file.folder)): it belongs to the agent \"\(owner)\", as its "
        + "\(DropPath.display(DropNames.folderDefaults)) or one above it says.",
      hint: "To give the folder to this agent, run `\(ownCommand(file.folder))`.", retryable: true)
  }

  private func undecided(_ file: FileKey, _ why: String) -> JobError {
    JobError(
      code: .sharedFolder,
      message: "Nothing is taken in \(places.name(of: file.root)): \(why). Two agents that take the same prompts would "
        + "pay twice.",
      hint: "To give the folder to this agent, run `\(ownCommand(FileKey(root: file.root, path: .root)))`.",
      retryable: true)
  }

  private func doubt(_ file: FileKey) -> JobError {
    JobError(
      code: .stateInDoubt,
      message:
        "Nothing is taken in \(places.name(of: file.root)): this agent's state wrote a sidecar there that the state does "
        + "not know any more. Either the state was copied and another machine uses the copy, or an older copy of it was "
        + "put back.",
      hint:
        "Make sure that no other machine uses a copy of the state. To give the folder to this agent, run "
        + "`\(ownCommand(FileKey(root: file.root, path: .root)))`.", retryable: true)
  }
}
