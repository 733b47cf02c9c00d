// Whether slots may go by themselves: a person can hold them, and a burst is braked.
extension FileDecision {
  /// The slots that a text begins with.
  mutating func newSlots(
    _ id: JobID, _ revision: Revision, _ numbers: ClosedRange<Int>, _ request: PromptRequest
  ) -> [Slot] {
    let state = firstState(request)
    return numbers.map { Slot(key: SlotKey(job: id, revision: revision.number, number: $0), state: state) }
  }

  /// Whatever is new to the queue, or comes back to it unsent, is asked whether it may go by itself.
  mutating func firstState(_ request: PromptRequest) -> SlotState {
    if request.hold { return Self.askedFor }
    if burst.next(at: now.monotonic) > now.monotonic { return beyondBurst }
    burst.began(at: now.monotonic)
    countsForBurst = true
    return .queued(Queued())
  }

  /// Withdrawn unsent, and wanted again. What a person gave up stays given up.
  mutating func wantedAgain(_ slots: [Slot], _ request: PromptRequest) -> [Slot] {
    let withdrawn = slots.filter(\.isWithdrawn)
    guard !withdrawn.isEmpty else { return [] }
    let state = firstState(request)
    return withdrawn.map { Slot(key: $0.key, state: state, attempts: $0.attempts) }
  }

  /// Held by the burst limit.
  var beyondBurst: SlotState {
    .held(
      Held(
        reason: .burst,
        error: JobError(
          code: .held(.burst),
          message: "More than \(rules.burstLimit) new prompts came within a minute. The rest waits for your approval.",
          hint:
            "To submit this one, run `promptdrop approve FILE`. For many, name their folder instead of the file, or use --all."
        )))
  }

  /// Held because its file changes too often.
  var beyondRevisions: SlotState {
    .held(
      Held(
        reason: .revisions,
        error: JobError(
          code: .held(.revisions),
          message: "This file had more than \(rules.revisionLimit) texts within \(rules.revisionSpan.brief).",
          hint: "To submit the present text, run `promptdrop approve FILE`.")))
  }

  /// Held because it says so.
  static let askedFor = SlotState.held(
    Held(
      reason: .asked,
      error: JobError(
        code: .held(.asked), message: "The front matter or the folder says hold: true.",
        hint: "To submit it, run `promptdrop approve FILE`, or remove \"hold: true\".")))
}
