import JobCore
import Testing

@Suite struct ServiceGateTests {
  private func key(_ number: Int) -> SlotKey {
    SlotKey(job: JobID("job-\(number)"), revision: 1, number: 1)
  }

  private func closed(_ trouble: ServiceTrouble, at now: Duration = .seconds(100)) -> ServiceGate {
    var gate = ServiceGate(probeInterval: .seconds(60), firstProbe: .seconds(5))
    _ = gate.trouble(trouble, JobCoreTests.trouble(ErrorCode(rawValue: trouble.rawValue)), at: now)
    return gate
  }

  @Test func anOpenOneLetsSubmit() {
    var gate = ServiceGate()
    #expect(gate.permission(at: .zero) == .submit && gate.closed == nil)
  }

  @Test(arguments: [ServiceTrouble.unauthorized, .wrongAddress, .down])
  func aQueryOpensIt(_ trouble: ServiceTrouble) {
    let first = Duration.seconds(trouble == .down ? 105 : 160)
    var gate = closed(trouble)
    #expect(gate.permission(at: .seconds(100)) == .wait(until: first))
    #expect(gate.permission(at: first) == .probe)
    #expect(gate.permission(at: first) == .wait(until: first + .seconds(60)), "given out once an interval")
    #expect(gate.permission(at: first + .seconds(60)) == .probe)
    #expect(gate.queryAnswered() == true)
    // A lost submission leaves a doubt that a query cannot take away: one tries first.
    #expect(gate.closed == nil)
    #expect(gate.permission(at: first + .seconds(61)) == (trouble == .down ? .submitOne : .submit))
    #expect(gate.queryAnswered() == false, "it was open")
  }

  @Test func onlyASubmitTellsThatTheAccountIsGood() {
    var gate = closed(.account)
    #expect(gate.queryAnswered() == false)
    #expect(gate.permission(at: .seconds(159)) == .wait(until: .seconds(160)))
    #expect(gate.permission(at: .seconds(160)) == .submitOne)
    #expect(gate.permission(at: .seconds(161)) == .wait(until: .seconds(220)))
    #expect(gate.accepted() && gate.permission(at: .seconds(161)) == .submit)
    #expect(gate.accepted() == false)
  }

  @Test func theSameTroubleAgainIsNoNews() throws {
    var gate = closed(.down)
    #expect(gate.trouble(.down, trouble("again"), at: .seconds(103)) == false)
    #expect(gate.closed?.since == .seconds(100) && gate.closed?.error.code == "again")
    #expect(gate.permission(at: .seconds(105)) == .probe, "a report of the same does not put the probe off")
    #expect(gate.trouble(.down, trouble("again"), at: .seconds(106)) == false)
    #expect(gate.permission(at: .seconds(164)) == .wait(until: .seconds(165)))
    #expect(gate.trouble(.unauthorized, trouble(), at: .seconds(170)) == true)
    #expect(gate.closed?.since == .seconds(170) && gate.closed?.trouble == .unauthorized)
  }

  @Test func theFirstProbeIsNoLaterThanTheInterval() {
    var gate = ServiceGate(probeInterval: .seconds(2), firstProbe: .seconds(5))
    _ = gate.trouble(.down, trouble(), at: .zero)
    #expect(gate.permission(at: .seconds(2)) == .probe)
  }

  @Test func slowingDownNeverShortens() {
    var gate = ServiceGate()
    gate.slowDown(for: .seconds(100), at: .seconds(10))
    gate.slowDown(for: .seconds(5), at: .seconds(20))
    #expect(gate.permission(at: .seconds(109)) == .wait(until: .seconds(110)))
    #expect(gate.permission(at: .seconds(110)) == .submit)
    gate.slowDown(for: .seconds(1_000_000_000), at: .seconds(200))
    #expect(gate.permission(at: .seconds(200)) == .wait(until: .seconds(200 + 86_400)), "at most a day")
  }

  /// The service asked for nothing for an hour: the one submission that tries a closed gate is not nothing.
  @Test func slowingDownHoldsForTheOneSubmissionToo() {
    var gate = closed(.account)
    gate.slowDown(for: .seconds(3600), at: .seconds(101))
    #expect(gate.permission(at: .seconds(200)) != .submitOne)
    #expect(gate.permission(at: .seconds(3701)) == .submitOne)
  }

  // MARK: the same refusal

  @Test func threePromptsRefusedWithTheSameWordsAreNotAtFault() {
    var gate = ServiceGate()
    #expect(gate.refused("no", prompt: "a", slot: key(1)).isEmpty)
    #expect(gate.refused("no", prompt: "b", slot: key(2)).isEmpty)
    #expect(gate.refused("no", prompt: "c", slot: key(3)) == [key(1), key(2), key(3)])
  }

  @Test func otherWordsTheSamePromptOrAnAcceptedOneBreakTheRow() {
    var gate = ServiceGate()
    _ = gate.refused("no", prompt: "a", slot: key(1))
    _ = gate.refused("no", prompt: "b", slot: key(2))
    #expect(gate.refused("too long", prompt: "c", slot: key(3)).isEmpty)
    #expect(gate.refused("too long", prompt: "c", slot: key(3)).isEmpty)
    #expect(gate.refused("too long", prompt: "d", slot: key(4)).isEmpty)
    #expect(gate.accepted() == false)
    #expect(gate.refused("too long", prompt: "e", slot: key(5)).isEmpty)
  }

  /// Two pictures of one prompt are one prompt in the count, and both were refused with these words.
  @Test func everyRefusedPictureOfAPromptIsGivenBack() {
    var gate = ServiceGate()
    let second = SlotKey(job: JobID("job-1"), revision: 1, number: 2)
    _ = gate.refused("no", prompt: "a", slot: key(1))
    _ = gate.refused("no", prompt: "a", slot: second)
    _ = gate.refused("no", prompt: "b", slot: key(2))
    #expect(Set(gate.refused("no", prompt: "c", slot: key(3))) == [key(1), second, key(2), key(3)])
  }

  /// The gate is closed, one submission is let out to try it, and the answer is the same: that one is not at fault either.
  @Test func afterThreeTheFourthIsNotAtFaultEither() {
    var gate = ServiceGate()
    for number in 1...3 { _ = gate.refused("no", prompt: "\(number)", slot: key(number)) }
    _ = gate.trouble(.account, trouble(), at: .seconds(1))
    #expect(gate.permission(at: .seconds(61)) == .submitOne)
    #expect(gate.refused("no", prompt: "4", slot: key(4)) == [key(4)])
  }
}
