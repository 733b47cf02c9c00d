import JobCore
import Testing

/// One task's trouble, and the service's.
@Suite struct OddTaskTests {
  private func failed(_ gate: inout ServiceGate, _ task: String) -> Bool {
    gate.queryFailed(trouble(), task, retryAfter: nil, at: .seconds(1))
  }

  @Test func anUnreadableAnswerOfOneTaskClosesNothingHoweverOften() {
    var gate = ServiceGate()
    for second in 0..<1000 {
      #expect(gate.queryUnusable(trouble(), "ta-1", at: .seconds(second)) == false)
      #expect(gate.queryUnusable(trouble(), "ta-2", at: .seconds(second)) == false)
    }
    #expect(gate.closed == nil && gate.permission(at: .seconds(1000)) == .submit)
    #expect(gate.queryPermission(at: .seconds(1000)) == .submit)
  }

  @Test func unreadableAnswersOfSeveralTasksInARowAreTheServices() {
    var gate = ServiceGate()
    for task in ["ta-1", "ta-2"] { #expect(gate.queryUnusable(trouble(), task, at: .zero) == false) }
    // A readable one between them: it speaks, and they are odd.
    _ = gate.queryAnswered("ta-3")
    for task in ["ta-1", "ta-2"] { #expect(gate.queryUnusable(trouble(), task, at: .zero) == false) }
    #expect(gate.queryUnusable(trouble(), "ta-4", at: .zero) == true)
    #expect(gate.closed?.trouble == .down)
    #expect(gate.queryUnusable(trouble(), "ta-5", at: .zero) == false, "no news")
    #expect(gate.queryAnswered("ta-5") == true && gate.closed == nil)
  }

  @Test func aTaskThatFailedWhileOthersAreAnsweredClosesTheGateOnce() {
    var gate = ServiceGate()
    while gate.closed == nil { _ = failed(&gate, "ta-odd") }
    #expect(gate.queryAnswered() == true)
    var closed = 0
    for _ in 0..<1000 where failed(&gate, "ta-odd") { closed += 1 }
    #expect(closed == 0)
    #expect(gate.closed == nil)
    // Answered at last, it counts like any other.
    _ = gate.queryAnswered("ta-odd")
    var failures = 0
    while gate.closed == nil, failures < 100 {
      failures += 1
      _ = failed(&gate, "ta-odd")
    }
    #expect(gate.closed != nil)
  }

  @Test func anOutageOfManyTasksIsOneAgain() {
    var gate = ServiceGate()
    func outage(_ gate: inout ServiceGate) -> Int {
      var failures = 0
      while gate.closed == nil, failures < 200 {
        _ = failed(&gate, "ta-\(failures % 8)")
        failures += 1
      }
      return failures
    }
    let first = outage(&gate)
    #expect(first <= 11)
    for _ in 0..<40 { _ = failed(&gate, "ta-1") }
    for task in 0..<8 { _ = failed(&gate, "ta-\(task)") }
    #expect(gate.queryAnswered() == true)
    let second = outage(&gate)
    #expect(second <= 11, "none of them is odd for having failed with all others")
  }
}
