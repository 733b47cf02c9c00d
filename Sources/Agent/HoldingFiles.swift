import JobCore

// Files that are held before they are taken, because of their names or of where they lie.
extension Pipeline {
  /// Holds a sync tool's copy; nil for a prompt like any other, and for one that a person has approved. What was taken once
  /// is a prompt like any other: a person has said so.
  func holdConflictCopy(
    _ file: FileKey, _ known: KnownFile?, _ taken: TakenStamp, _ start: Duration
  ) async throws -> Plan? {
    guard known?.current ?? 0 == 0, try await isConflictCopy(file, known, taken.prompt) else { return nil }
    return hold(
      file, known, taken, start, .conflictCopy,
      message: "A sync tool made this copy because two sides changed the file.",
      hint:
        "Keep the text that you want under the plain name and delete this copy. To have it made too, rename it, or "
        + "say promptdrop approve FILE.")
  }

  /// Whether a prompt that was never taken is a sync tool's copy of another one.
  func isConflictCopy(_ file: FileKey, _ known: KnownFile?, _ stamp: FileStamp) async throws -> Bool {
    // What was held stays held while it is as it was, whatever the rules have become or its neighbour. In a folder that an
    // earlier version watched it stays so in any case: a copy of the folder has other stamps, and nothing tells whether the
    // text is still the one that was held.
    if known?.note?.heldFor == .conflictCopy, known?.stamp?.prompt == stamp || formerExcludes.contains(file.root) {
      return true
    }
    switch ConflictCopyName.form(of: Self.stem(file)) {
    case .none: return false
    case .certain: return true
    case .beside(let original): return try await isThere(original, beside: file)
    }
  }

  // A prompt, or a list, of this stem; or one that the journal knows, which may be deleted or renamed by now.
  private func isThere(_ stem: [UInt8], beside file: FileKey) async throws -> Bool {
    let spellings = [".prompt", ".PROMPT", ".Prompt"].map { file.sibling(stem + Array($0.utf8)) }
    if try await journal.known(spellings).contains(where: { $0 != nil }) { return true }
    for neighbour in spellings + [file.sibling(DropNames.imageList(stem: stem))] {
      if case .file = await files.look(neighbour) { return true }
    }
    return false
  }

  /// Holds a prompt that an exclude pattern left out before the rules of these patterns changed: an update pays for nothing.
  /// Nil for all others: those that were taken, those that a person approved, and those of roots that are newer.
  func holdFormerlyExcluded(
    _ file: FileKey, _ known: KnownFile?, _ taken: TakenStamp, _ reading: SourceReading, _ start: Duration
  ) -> Plan? {
    guard known?.current ?? 0 == 0, wasExcluded(file, reading) else { return nil }
    return hold(
      file, known, taken, start, .excludeChanged,
      message:
        "A pattern of exclude left it out before the update, and does not any more: patterns follow gitignore now.",
      hint:
        "To have it made, say promptdrop approve FILE. To leave it out, mend the pattern: * stays within a folder, and "
        + "x/ means folders only.")
  }

  /// Whether a prompt that was never taken was left out under the former rules only.
  func wasExcluded(_ file: FileKey, _ reading: SourceReading) -> Bool {
    guard formerExcludes.contains(file.root) else { return false }
    return reader.wasExcluded(
      file, defaults: reading.defaults.compactMap { place, content in (try? content.get()).map { (place, $0) } })
  }

  /// What is done about a prompt that is left out by now: what was not sent is withdrawn, and comes back with the prompt.
  func leaveOut(_ file: FileKey, _ known: KnownFile?) -> Plan? {
    guard let known, known.current > 0, ![.done, .failed, .cancelled].contains(known.state) else { return nil }
    var plan = Plan(file: file)
    plan.then = { [self] in
      do {
        guard let job = try await inHand(known.job) else { return }
        for slot in job.slots.values where slot.isUnsent { await withdraw(slot.key, .superseded) }
      } catch {
        fail(error)
      }
    }
    return plan
  }

  /// Whether a person has let a file pass as it stands.
  func isApproved(_ reason: HeldReason, _ known: KnownFile?, _ stamp: FileStamp) -> Bool {
    known?.note?.approval?.covers(reason, stamp) == true
  }
}
