import JobCore

/// What the decision on a new prompt will ask for, found out before it begins and for a whole batch: a decision that throws
/// for each fact is made six times.
struct KnownAhead {
  /// What the prompt asks for, or what is wrong with it.
  var understood: Result<PromptRequest, JobError>
  /// Whether it has its turn and no job has the same text, so that it cannot be another prompt's new name or copy.
  var isOnlyOne: Bool
}

// Only what any decision on such a file comes to is looked up, and nothing of it is remembered: the decision itself, and what
// it does where more is to be asked, is the same as for every other file.
extension Pipeline {
  /// For the files of a batch that the journal does not know; nil for all others.
  func lookAhead(
    _ known: [KnownFile?], _ queries: [SourceQuery], _ readings: [SourceReading], batch: Int
  ) async throws -> [KnownAhead?] {
    var ahead: [KnownAhead?] = []
    ahead.reserveCapacity(queries.count)
    var sources: [String] = []
    for (index, reading) in readings.enumerated() {
      guard known[index] == nil, reading.promptBytes != nil, reading.beingWritten == nil else {
        ahead.append(nil)
        continue
      }
      var known = KnownAhead(understood: understand(queries[index].prompt, reading), isOnlyOne: false)
      if case .success(let request) = known.understood {
        known.isOnlyOne = origins.turns.begin(queries[index].prompt, text: request.sourceSHA, batch: batch)
        if known.isOnlyOne { sources.append(request.sourceSHA) }
      }
      ahead.append(known)
    }
    guard !sources.isEmpty else { return ahead }
    var found = zip(sources, try await journal.jobs(roots: roots, sources: sources)).makeIterator()
    for index in ahead.indices where ahead[index]?.isOnlyOne == true {
      guard let (text, jobs) = found.next(), !jobs.isEmpty else { continue }
      ahead[index]?.isOnlyOne = false
      origins.turns.isInJournal(text)
    }
    return ahead
  }

  /// Supplies what the decision asks for in any case, as far as nothing stands in the way of its asking.
  func supply(_ ahead: KnownAhead, to look: inout FileLook) async {
    guard look.seen.prompt.stamp != nil else { return }
    let isSettled = arrivals.isSettled(look.seen, at: now)
    look.seen.isSettled = .known(isSettled)
    guard isSettled, look.seen.belonging == .own, !look.seen.isListOnItsWay else { return }
    look.seen.understood = .known(ahead.understood)
    guard case .success(let request) = ahead.understood, request.images.isEmpty,
      !request.requireImages, !look.seen.wasExcluded
    else { return }
    look.seen.references = .known(await references(of: request, look, for: .run))
    guard ahead.isOnlyOne, origins.isUnheard(of: look.file), case .success(.none) = look.seen.sidecar else { return }
    look.seen.origin = .known(.none)
    look.knowledge.newID = .known(JobID(surroundings.newID()))
  }
}
