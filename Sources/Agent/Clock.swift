import JobCore

// What goes by time besides the jobs themselves.
extension Pipeline {
  /// The wall clock was set: moments that were written down by the old time move along, so that a wait stays as long as
  /// it was.
  func clockWasSet(by jump: Duration) {
    observer.notice(
      .warning,
      JobError(
        code: .clockSet,
        message:
          "The clock was set \(jump < .zero ? "back" : "forward") by \(jump < .zero ? (.zero - jump).brief : jump.brief)."
      ))
    ledger.clockWasSet()
    for entry in jobs.inHand {
      for slot in entry.job.slots.values {
        // In hand only: the journal has it with the next step, and a restart tells a moment in the future by itself.
        if let moved = slot.on(.clockSet(jump), now: wallClock, policy: settings.policy, jitter: 0) {
          entry.enter(moved.slot)
        }
      }
    }
    let before = wallClock + (.zero - jump)
    start { [self] in
      do {
        // The day's end is no wait that moves along: what waits for it is held against today's limits once more.
        try await record([.clockSet(by: jump, after: before), .limitsMayHaveEnded(at: wallClock)])
      } catch {
        fail(error)
      }
      backlog.journalHasNew()
      pump()
    }
  }

  /// A copy of the journal, once a day: a folder whose sidecars are out of date and a journal that is lost would be one
  /// loss too many.
  func backUp() async {
    do {
      if try await journal.backUp(unlessYoungerThan: settings.backupInterval, now: wallClock) {
        observer.notice(.info, JobError(code: .journalCopied, message: "The daily copy of the journal was made."))
      }
    } catch JournalError.full(let why) {
      observer.notice(
        .warning,
        JobError(
          code: .journalNotCopied, message: "The daily copy of the journal could not be made: \(why)",
          hint: "promptdrop tries again later.", retryable: true))
      return schedule(.backUp, at: now + .seconds(3600))
    } catch {
      return fail(error)
    }
    schedule(.backUp, at: now + settings.backupInterval + .seconds(1))
  }
}
