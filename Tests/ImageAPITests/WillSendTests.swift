import Foundation
import JobCore
import Synchronization
import TestKit
import Testing

@testable import ImageAPI

/// A permit that counts who asks for it.
final class Asked: Sendable {
  private let counter = Mutex(0)
  private let look: @Sendable () -> Bool
  init(_ look: @escaping @Sendable () -> Bool = { true }) { self.look = look }
  var count: Int { counter.withLock { $0 } }
  func ask() -> Bool {
    counter.withLock { $0 += 1 }
    return look()
  }
}

/// The last moment at which a submission can be called off.
@Suite struct WillSendTests {
  static let yes = "{\"code\":0,\"message\":\"ok\",\"data\":{\"task_id\":\"ta1\"}}"
  private static let answers: @Sendable (Connection) -> Void = { connection in
    while connection.readRequest() != nil { connection.answer("200 OK", yes) }
  }

  private func expectNothingOfIt(_ server: RawServer, sourceLocation: SourceLocation = #_sourceLocation) {
    for request in server.requests {
      #expect(!request.head.lowercased().contains("promptdrop-permit"), sourceLocation: sourceLocation)
    }
  }

  @Test func `It is asked once, with the connection up and nothing sent`() async throws {
    try await ServiceFixture.run(script: Self.answers) { bench, server in
      let asked = Asked {
        // The server's thread has accepted by now, or does so soon: nothing is read in either case.
        server.received == 0
      }
      #expect(await bench.submit(willSend: asked.ask) == .accepted(taskID: "ta1"))
      #expect(asked.count == 1 && server.requests.count == 1)
      expectNothingOfIt(server)
    }
  }

  @Test(arguments: [false, true])
  func `Where it says no nothing is sent, and the connection ends`(isLarge: Bool) async throws {
    try await ServiceFixture.run(script: Self.answers) { bench, server in
      let asked = Asked { false }
      let outcome = await bench.submit(String(repeating: "fox", count: isLarge ? 2_000_000 : 1), willSend: asked.ask)
      #expect(outcome.reached == false && outcome.consequence == .transient(retryAfter: nil), "\(outcome)")
      #expect(outcome.error?.code == "called-off")
      try await eventually("the end of the connection") { server.ended == 1 }
      #expect(server.received == 0 && server.connections == 1 && asked.count == 1)
      #expect(await bench.submit() == .accepted(taskID: "ta1"))
      #expect(server.connections == 2 && server.requests.count == 1)
    }
  }

  @Test func `On a kept connection it is asked for each, and its mark never leaves`() async throws {
    try await ServiceFixture.run(script: { connection in
      while let request = connection.readRequest() {
        let isQuery = request.line.hasPrefix("GET")
        connection.answer("200 OK", isQuery ? "{\"code\":0,\"data\":{\"status\":\"pending\"}}" : Self.yes)
      }
    }) { bench, server in
      let asked = Asked()
      for _ in 0..<3 { #expect(await bench.submit(willSend: asked.ask) == .accepted(taskID: "ta1")) }
      _ = try await bench.report()
      #expect(await bench.submit(willSend: asked.ask) == .accepted(taskID: "ta1"))
      #expect(asked.count == 4 && server.connections == 1 && server.requests.count == 5)
      let before = server.received
      #expect(await bench.submit(willSend: { false }).reached == false)
      try await eventually("the end of the connection") { server.ended == 1 }
      #expect(server.received == before)
      expectNothingOfIt(server)
    }
  }

  @Test func `Many at once, every other one called off`() async throws {
    try await ServiceFixture.run(script: Self.answers) { bench, server in
      await withTaskGroup(of: Void.self) { group in
        for number in 0..<60 {
          group.addTask {
            let asked = Asked { number % 2 == 0 }
            let outcome = await bench.submit("fox \(number).", willSend: asked.ask)
            #expect(number % 2 == 0 ? outcome == .accepted(taskID: "ta1") : outcome.reached == false, "\(outcome)")
            #expect(asked.count == 1)
          }
        }
      }
      let prompts = server.requests.compactMap { request in
        (0..<60).first { String(decoding: request.body, as: UTF8.self).contains("fox \($0).") }
      }
      #expect(prompts.sorted() == Array(stride(from: 0, to: 60, by: 2)))
      expectNothingOfIt(server)
    }
  }

  @Test func `It is not asked while there is no connection`() async throws {
    let server = try RawServer { _ in }
    server.stop()
    for base in [server.baseURL, "http://no-such-host.invalid", "https://no-such-host.invalid", "nonsense"] {
      let asked = Asked()
      let outcome = try await ServiceFixture.run(at: base) { await $0.submit(willSend: asked.ask) }
      #expect(outcome.reached == false && asked.count == 0, "\(base): \(outcome)")
    }
  }

  @Test func `After the verdict "never sent" a permit is no longer given`() {
    let asked = Asked()
    let permit = SendPermit(asked.ask)
    #expect(permit.close() == .neverAsked && !permit.use() && permit.close() == .neverAsked && asked.count == 0)
    let given = SendPermit(asked.ask)
    #expect(given.use() && given.close() == .given)
    #expect(!given.use(), "a head that comes again must not leave")
    #expect(given.close() == .given && asked.count == 1)
    let refused = SendPermit { false }
    #expect(!refused.use() && refused.close() == .calledOff)
  }
}
