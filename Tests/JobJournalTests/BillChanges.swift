import JobCore
import TestKit

// Random changes of the bill, of callbacks and of the clock.
extension ChangeMaker {
  mutating func billChange(_ model: JournalModel) -> JournalChange {
    if source.percent(15) {
      if source.percent(40) { return .delivered([source.one(of: Array(model.events.keys.sorted() + [0, 9999]))]) }
      let event = OutboxEvent(
        kind: "done", job: JobID("job-1"), slot: source.one(of: [nil, slotKey(JobID("job-1"))]), at: moment(),
        detail: Array("\(source.next())".utf8))
      return .announced(billChange(model), [event, event])
    }
    let known = model.bill.keys.sorted()
    switch Int.random(in: 0..<20, using: &source) {
    case 0..<5: return .charge(charge(known))
    case 5: return .chargeReported(charge(known))
    case 6..<8: return .release(attemptID: known.isEmpty || source.percent(20) ? "nobody" : source.one(of: known))
    case 8..<10:
      let key = SlotKey(job: JobID("job-\(source.next() % 9)"), revision: 1, number: 1)
      return .expectCallback(
        CallbackTarget(secretSHA: secret(), slot: key, attemptID: "attempt-\(source.next())", madeAt: moment()))
    case 10..<13: return .evidence(Evidence(secretSHA: secret(), taskID: task(), receivedAt: moment()))
    case 13..<15: return .weighed(Evidence(secretSHA: secret(), taskID: task(), receivedAt: moment()))
    case 15: return .clockSet(by: .seconds(Int.random(in: -9000...9000, using: &source)), after: moment())
    case 16:
      return .undelay(code: source.one(of: ["some-trouble", "daily-limit"]), beyond: moment(), now: moment())
    default: return .surplus(surplus(model))
    }
  }

  mutating func attempt(_ number: Int) -> Attempt {
    var attempt = Attempt(n: number, attemptID: "\(source.next())", bootID: "b", startedAt: start)
    guard source.percent(60) else { return attempt }
    attempt.outcome = .accepted
    attempt.taskID = source.percent(50) ? task() : "task-\(source.next())"
    attempt.endedAt = moment()
    attempt.requestSHA = source.one(of: [nil, "ab"])
    attempt.callbackSHA = source.one(of: [nil, "cd"])
    attempt.reserved = source.one(of: [nil, "0.500000"])
    return attempt
  }

  private mutating func task() -> String { "task-\(source.next() % 30)" }
  private mutating func secret() -> String { "secret-\(source.next() % 20)" }

  private mutating func charge(_ known: [String]) -> Charge {
    let id = known.isEmpty || source.percent(50) ? "attempt-\(source.next())" : source.one(of: known)
    return Charge(
      attemptID: id, root: source.one(of: roots), folder: DropPath(source.one(of: ["d0", "d1/e", "d1", ""])),
      kind: PriceKey(model: source.one(of: ["m", "n"]), size: source.one(of: [nil, "1k", "2k"])),
      // An attempt begins once.
      day: Int64(id.utf8.reduce(0) { $0 + Int($1) } % 4) - 1, reserved: source.one(of: [nil, amount()]),
      consumed: source.one(of: [nil, nil, amount(), "no number"]))
  }

  private mutating func amount() -> String {
    let whole = source.one(of: ["0", "7", "123456789", "999999999999"])
    let decimals = Int.random(in: 0...18, using: &source)
    let fraction = (0..<decimals).reduce(into: "") { text, _ in text += "\(Int.random(in: 0...9, using: &source))" }
    return decimals == 0 ? whole : "\(whole).\(fraction)"
  }

  private mutating func surplus(_ model: JournalModel) -> Slot {
    let ids = model.jobs.keys.map(\.text).sorted()
    let job = JobID(ids.isEmpty || source.percent(10) ? "nobody" : source.one(of: ids))
    let number = SlotKey.surplusBase + Int.random(in: 1...3, using: &source)
    let key = SlotKey(job: job, revision: Int.random(in: 1...3, using: &source), number: number)
    let made = attempt(1)
    let state = made.taskID.map { SlotState.submitted(TaskRef(taskID: $0, acceptedAt: start)) }
    return Slot(key: key, state: state ?? .submitting, attempts: [made])
  }
}
