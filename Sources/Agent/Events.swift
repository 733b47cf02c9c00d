import JobCore

// Events of the folder: each only says where to look.
extension Pipeline {
  func handle(_ events: [FolderEvent]) {
    guard ending == nil else { return }
    let now = now
    var leftovers: [FileKey] = []
    var strays: [FileKey] = []
    for event in events {
      switch event {
      case .prompt(let file, let hint):
        arrivals.heard()
        arrivals.noticed(file, hint, at: now)
      case .promptGone(let file):
        arrivals.heard()
        noticeGone(file, at: now)
      case .promptRenamed(let from, let to):
        origins.renamed(from: from, to: to, most: settings.files.settlingLimit)
      case .folderRenamed(let from, let to): folderMoved(from: from, to: to)
      case .promptsVanished(let folder): noticeVanished(Vanished(folder: folder, isDeep: false), at: now)
      case .folderVanished(let folder): noticeVanished(Vanished(folder: folder, isDeep: true), at: now)
      case .listOnItsWay(let prompt, let temporary, let isPresent):
        arrivals.list(of: prompt, hasTemporary: temporary, isPresent)
        arrivals.noticed(prompt, .touched, at: now)
      case .defaultsChanged(let folder): lookAgain(below: folder)
      case .awaited(let file):
        for prompt in arrivals.prompts(waitingFor: file) { arrivals.noticed(prompt, .touched, at: now) }
      case .leftover(let file): leftovers.append(file)
      case .strayedSidecar(let prompt): strays.append(prompt)
      case .surveyed(let root, let hasSidecars):
        survey.surveyed(root, hasSidecars: hasSidecars)
      case .sidecarArrived(let prompt): sidecarArrived(prompt)
      case .syncMark(let folder):
        ownership.marked(folder)
      case .syncMarkGone(let folder):
        ownership.unmarked(folder)
        lookAgain(below: folder)
      case .scanned(let root):
        if survey.scanned(root) { missNoted(in: root) }
        putKeptBack()
      case .trouble(let error): observer.notice(.warning, error)
      case .rootGone(let root):
        survey.isGone(root)
        observer.notice(
          .error,
          JobError(
            code: .rootGone,
            message: "\(name(of: root)) is not there: it was moved, deleted or unmounted. Nothing in it is taken.",
            hint: "Put it back; promptdrop goes on by itself."))
      case .rootUnreadable(let root, let error):
        survey.isUnreadable(root, error)
        observer.notice(.error, error)
      case .watchedAgain:
        observer.notice(
          .info, JobError(code: .watchedAgain, message: "inotify watches every folder that it can again."))
      case .rootBack(let root):
        survey.isBack(root)
        observer.notice(.info, JobError(code: .rootBack, message: "\(name(of: root)) is there and watched."))
      }
    }
    if !leftovers.isEmpty { removeLeftovers(leftovers) }
    if !strays.isEmpty { readStrays(strays) }
    giveRoom()
    pump()
  }

  /// The watcher learns how many more prompts it may report.
  func giveRoom() { watcher.hasRoom(max(0, settings.files.settlingLimit - arrivals.count), reported: arrivals.heardOf) }

  func name(of root: RootID) -> String { places.name(of: root) }

  // Which file is made of which defaults, and whose it is, is found out by looking.
  private func lookAgain(below folder: FileKey) {
    ownership.changed(below: folder)
    arrivals.changed(below: folder)
    watcher.lookAgain(below: folder)
    start { [self] in
      do {
        try await releaseForeign()
        showWhatWaited()
      } catch {
        fail(error)
      }
      requeued(notBefore: nil)
      pump()
    }
  }

  /// What waits for its folder to be this agent's is asked for anew, each when its turn comes.
  func releaseForeign() async throws {
    try await record(
      ErrorCode.notOurs.map { code in
        .undelay(code: code, beyond: wallClock + RetryPolicy.longestWait * 2, now: wallClock)
      })
  }

  /// The prompt waits for these files; their coming wakes it.
  func awaitFiles(_ wanted: [FileKey], for prompt: FileKey) {
    if arrivals.awaits(wanted, for: prompt) { watcher.await(arrivals.awaitedFiles) }
  }
}
