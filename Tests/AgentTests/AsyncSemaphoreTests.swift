import Testing

@testable import Agent

/// What is given out at once, and in which order.
@Suite struct AsyncSemaphoreTests {
  private actor Owner {
    private let semaphore: AsyncSemaphore
    private(set) var events: [String] = []
    init(_ capacity: Int) { semaphore = AsyncSemaphore(capacity) }

    var available: Int { semaphore.available }

    func work(_ name: String, _ amount: Int = 1, throwing: Bool = false) async throws {
      let permit = await semaphore.acquire(amount)
      events.append("+\(name)")
      await Task.yield()
      events.append("-\(name)")
      if throwing { throw CancellationError() }
      permit.release()
    }

    // Both take what there is before anything is waited for.
    func hold(_ amount: Int, while body: () async -> Void) async {
      let permit = await semaphore.acquire(amount)
      await body()
      permit.release()
    }

    func tries(_ amount: Int) -> Bool {
      guard let permit = semaphore.tryAcquire(amount) else { return false }
      permit.release()
      return true
    }

    func open() { semaphore.open() }
  }

  @Test func oneAtATimeInTheOrderOfAsking() async throws {
    let owner = Owner(1)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<20 { group.addTask { try await owner.work("\(number)") } }
      try await group.waitForAll()
    }
    let events = await owner.events
    #expect(events.count == 40)
    for pair in stride(from: 0, to: 40, by: 2) { #expect(events[pair].dropFirst() == events[pair + 1].dropFirst()) }
    #expect(await owner.available == 1)
  }

  @Test func whatIsThrownOutOfGivesItBackToo() async throws {
    let owner = Owner(1)
    await #expect(throws: CancellationError.self) { try await owner.work("a", throwing: true) }
    #expect(await owner.available == 1)
  }

  @Test func moreThanAllOfItGoesAlone() async throws {
    let owner = Owner(10)
    #expect(await owner.tries(11))
    await owner.hold(1) { #expect(await !owner.tries(11)) }
    await owner.hold(11) { #expect(await !owner.tries(1)) }
  }

  // A large amount is not passed by small ones for ever.
  @Test func nobodyPassesWhoWaits() async {
    let owner = Owner(10)
    await owner.hold(6) {
      async let large: Void = owner.hold(8) {}
      while await owner.available != 0 { await Task.yield() }
      #expect(await !owner.tries(1))
      await owner.open()
      await large
    }
    #expect(await owner.tries(1))
  }

  @Test func onceOpenNobodyWaits() async throws {
    let owner = Owner(1)
    await owner.hold(1) {
      await owner.open()
      #expect(await owner.tries(1))
    }
    #expect(await owner.available == 1)
  }
}
