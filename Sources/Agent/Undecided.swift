import JobCore

// Folders where nothing is taken because nobody has said whose they are, or that are another agent's.
extension Pipeline {
  /// Says that nothing is taken there: once for a root that is nobody's, and once for each folder that is another agent's.
  func sayNotOurs(_ file: FileKey, _ problem: JobError) {
    let isOthers = problem.code == ErrorCode.otherOwner
    let place = isOthers ? file.folder : FileKey(root: file.root, path: .root)
    if !isOthers { undecided[place] = problem }
    // Said once: every rescan looks at it again. Beyond many it is a whole tree, and said enough.
    guard toldLeftOut.count < 10_000, toldLeftOut.insert(place).inserted else { return }
    observer.notice(isOthers ? .info : .error, problem)
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
