import JobCore

// Events of the folder: each only says where to look.
extension Pipeline {
  func handle(_ events: [FolderEvent]) {
    guard ending == nil else { return }
    let now = now
    var leftovers: [FileKey] = []
    for event in events {
      switch event {
      case .prompt(let file, let hint): settling.noticed(file, hint, at: now)
      case .promptGone(let file):
        // Editors and sync tools delete and make anew: it counts once it has stayed away.
        schedule(.look(file), at: now + settings.absence)
      case .listOnItsWay(let prompt, let temporary, let isPresent):
        if isPresent {
          listsOnTheirWay[prompt, default: []].insert(temporary)
        } else {
          listsOnTheirWay[prompt]?.remove(temporary)
          if listsOnTheirWay[prompt]?.isEmpty == true { listsOnTheirWay[prompt] = nil }
        }
        settling.noticed(prompt, .touched, at: now)
      case .defaultsChanged:
        // Rare, and what it means for which file is found out by looking.
        watcher.rescan()
      case .awaited(let file):
        for prompt in awaitedBy[file] ?? [] { settling.noticed(prompt, .touched, at: now) }
      case .leftover(let file): leftovers.append(file)
      case .scanned(let root): unscanned.remove(root)
      case .trouble(let error): observer.notice(.warning, error)
      case .rootGone(let root):
        unscanned.remove(root)
        observer.notice(
          .error,
          JobError(
            code: "root-gone", message: "A watched folder was moved, deleted or unmounted; nothing in it is taken.",
            hint: "Put it back and restart promptdrop."))
      }
    }
    if !leftovers.isEmpty { removeLeftovers(leftovers) }
    pump()
  }

  /// The prompt waits for these files; their coming wakes it.
  func awaitFiles(_ wanted: [FileKey], for prompt: FileKey) {
    var changed = false
    for (file, prompts) in awaitedBy where prompts.contains(prompt) && !wanted.contains(file) {
      awaitedBy[file]?.remove(prompt)
      if awaitedBy[file]?.isEmpty == true { awaitedBy[file] = nil }
      changed = true
    }
    for file in wanted where awaitedBy[file]?.contains(prompt) != true {
      awaitedBy[file, default: []].insert(prompt)
      changed = true
    }
    if changed { watcher.await(Set(awaitedBy.keys)) }
  }
}
