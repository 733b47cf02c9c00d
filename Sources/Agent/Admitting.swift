import JobCore

// Whether slots may go by themselves: a person can hold them, and a burst is braked.
extension Pipeline {
  /// The slots that a text begins with.
  func newSlots(
    _ id: JobID, _ revision: Revision, _ numbers: ClosedRange<Int>, _ request: PromptRequest
  ) -> [Slot] {
    let state = firstState(request)
    return numbers.map { Slot(key: SlotKey(job: id, revision: revision.number, number: $0), state: state) }
  }

  /// Whatever is new to the queue, or comes back to it unsent, is asked whether it may go by itself.
  func firstState(_ request: PromptRequest) -> SlotState {
    if request.hold { return Self.askedFor }
    if burst.next(at: now) > now { return beyondBurst }
    burst.began(at: now)
    return .queued(Queued())
  }

  /// Held by the burst limit.
  var beyondBurst: SlotState {
    .held(
      Held(
        reason: .burst,
        error: JobError(
          code: .held(.burst),
          message: "More than \(settings.burstLimit) new prompts came within a minute; the rest waits for a person.",
          hint: "promptdrop approve FILE, FOLDER or --all lets them go.")))
  }

  /// Held because its file changes too often.
  var beyondRevisions: SlotState {
    .held(
      Held(
        reason: .revisions,
        error: JobError(
          code: .held(.revisions),
          message: "More than \(settings.revisionLimit) texts of this file came within \(settings.revisionSpan.brief).",
          hint: "promptdrop approve FILE has the present one made.")))
  }

  /// Held because it says so.
  static let askedFor = SlotState.held(
    Held(
      reason: .asked,
      error: JobError(
        code: .held(.asked), message: "The front matter or the folder says hold: true.",
        hint: "promptdrop approve FILE has it made; so does taking \"hold: true\" away.")))

  /// Withdrawn unsent, and wanted again. What a person gave up stays given up.
  func wantedAgain(_ slots: [Slot], _ request: PromptRequest) -> [Slot] {
    let withdrawn = slots.filter(\.isWithdrawn)
    guard !withdrawn.isEmpty else { return [] }
    let state = firstState(request)
    return withdrawn.map { Slot(key: $0.key, state: state, attempts: $0.attempts) }
  }
}

extension Slot {
  /// Whether it was withdrawn unsent: it comes back with its text.
  var isWithdrawn: Bool { state == .cancelled(.superseded) || state == .cancelled(.sourceGone) }
}
