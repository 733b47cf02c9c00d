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
          message: "More than \(rules.burstLimit) new prompts came within a minute; the rest waits for a person.",
          hint: "promptdrop approve FILE, FOLDER or --all lets them go.")))
  }

  /// Held because its file changes too often.
  var beyondRevisions: SlotState {
    .held(
      Held(
        reason: .revisions,
        error: JobError(
          code: .held(.revisions),
          message: "More than \(rules.revisionLimit) texts of this file came within \(rules.revisionSpan.brief).",
          hint: "promptdrop approve FILE has the present one made.")))
  }

  /// Held because it says so.
  static let askedFor = SlotState.held(
    Held(
      reason: .asked,
      error: JobError(
        code: .held(.asked), message: "The front matter or the folder says hold: true.",
        hint: "promptdrop approve FILE has it made; so does taking \"hold: true\" away.")))
}
