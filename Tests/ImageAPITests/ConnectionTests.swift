import Foundation
import JobCore
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import TestKit
import Testing

@testable import ImageAPI

/// Connections that are kept, shared, ended and given up.
@Suite struct ConnectionTests {
  private static let yes = WillSendTests.yes
  private static let pending = "{\"code\":0,\"data\":{\"status\":\"pending\"}}"
  private static let answers: @Sendable (Connection) -> Void = { connection in
    while connection.readRequest() != nil { connection.answer("200 OK", yes) }
  }

  /// Runs on an event loop, as the pipeline does, and can keep it from anything else.
  private actor OnLoop {
    private let executor: any SerialExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    init(_ loop: any EventLoop) { executor = loop.executor }

    /// Submits as soon as the condition holds after `act`, without letting the loop do anything in between.
    func submit(
      _ service: HTTPImageService, after act: @Sendable () -> Void, when condition: @Sendable () -> Bool
    ) async -> SubmitOutcome {
      act()
      let deadline = ContinuousClock.now + .seconds(20)
      while !condition(), ContinuousClock.now < deadline { sched_yield() }
      let request = SubmitRequest(snapshot: Snapshot(prompt: "two", model: "m"), images: [])
      return await service.submit(request, willSend: { true })
    }
  }

  /// What a server does to a connection that it has answered on.
  enum Ending: CaseIterable { case fin, reset, words }

  @Test(arguments: Ending.allCases)
  func `A submission does not go on a kept connection that has ended, even where nobody has noticed`(ending: Ending)
    async throws
  {
    let end = DispatchSemaphore(value: 0)
    let said = Mutex(false)
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let server = try RawServer { connection in
      guard connection.readRequest() != nil else { return }
      connection.answer("200 OK", Self.yes)
      guard connection.number == 1 else { return connection.waitForEnd() }
      _ = end.wait(timeout: .now() + .seconds(20))
      switch ending {
      case .fin: break
      case .reset: connection.reset()
      case .words:
        connection.send("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        said.withLock { $0 = true }
        connection.waitForEnd()
      }
    }
    try await ServiceFixture.run(at: server.baseURL, on: group) { bench in
      #expect(await bench.submit("one") == .accepted(taskID: "ta1"))
      let loop = OnLoop(group.next())
      let outcome = await loop.submit(bench.service, after: { end.signal() }) {
        ending == .words ? said.withLock { $0 } : server.ended == 1
      }
      #expect(outcome == .accepted(taskID: "ta1"), "\(outcome)")
      #expect(server.connections == 2 && server.requests.count == 2)
    }
    server.stop()
    try await group.shutdownGracefully()
  }

  // An answer's decoder keeps it without a word, and the next request would get it for its own.
  @Test func `The beginning of an answer that nobody asked for ends the connection`() async throws {
    let end = DispatchSemaphore(value: 0)
    try await ServiceFixture.run(script: { connection in
      guard connection.readRequest() != nil else { return }
      connection.answer("200 OK", Self.yes)
      if connection.number == 1 {
        _ = end.wait(timeout: .now() + .seconds(20))
        connection.send("HTTP/1.1 400 B")
      }
      connection.waitForEnd()
    }) { bench, server in
      #expect(await bench.submit("one") == .accepted(taskID: "ta1"))
      end.signal()
      try await eventually("the end of the connection") { server.ended == 1 }
      #expect(await bench.submit("two") == .accepted(taskID: "ta1"))
      #expect(server.connections == 2 && server.requests.count == 2)
    }
  }

  @Test func `No more connections than allowed, and all of them get their turn`() async throws {
    try await ServiceFixture.run(settings: { $0.maxConnections = 2 }, script: Self.answers) { bench, server in
      await withTaskGroup(of: Void.self) { group in
        for number in 0..<40 {
          group.addTask { #expect(await bench.submit("fox \(number).") == .accepted(taskID: "ta1")) }
        }
      }
      #expect(server.connections <= 2 && server.requests.count == 40)
    }
  }

  @Test(arguments: ["Keep-Alive: timeout=1\r\n", "Keep-Alive: max=0\r\n", "Connection: close\r\n"])
  func `A connection that the server is about to end carries no other request`(header: String) async throws {
    try await ServiceFixture.run(script: { connection in
      while connection.readRequest() != nil { connection.answer("200 OK", Self.yes, headers: header) }
    }) { bench, server in
      for _ in 0..<3 { #expect(await bench.submit() == .accepted(taskID: "ta1")) }
      #expect(server.connections == 3)
      try await eventually("the end of all") { server.ended == 3 }
    }
  }

  @Test func `A server that ends each connection at once is not dialled without end`() async throws {
    try await ServiceFixture.run(script: { $0.finish() }) { bench, server in
      let outcome = await bench.submit()
      #expect(outcome.reached == false || outcome.isUnknown, "\(outcome)")
      #expect(server.connections == 1)
    }
  }

  @Test func `A head without end is given up`() async throws {
    let sent = Mutex(0)
    try await ServiceFixture.run(script: { connection in
      connection.readRequest()
      connection.send("HTTP/1.1 200 OK\r\n")
      let line = "X-Filler: " + String(repeating: "a", count: 8000) + "\r\n"
      while connection.send(line) { sent.withLock { $0 += line.utf8.count } }
    }) { bench, server in
      #expect(await bench.submit().isUnknown)
      try await eventually("the end of the connection") { server.ended == 1 }
      // What the buffers of both sides hold, and no more of it was read.
      #expect(sent.withLock { $0 } < 64_000_000)
    }
  }

  @Test func `IPv6`() async throws {
    guard let server = try? RawServer(onIPv6: true, Self.answers) else {
      // A machine without IPv6 has no ::1.
      return
    }
    defer { server.stop() }
    for base in ["http://[::1]:\(server.port)", "http://[0:0:0:0:0:0:0:1]:\(server.port)"] {
      try await ServiceFixture.run(at: base) { bench in
        #expect(await bench.submit() == .accepted(taskID: "ta1"))
      }
    }
    #expect(server.requests.first?.header("Host") == ["[::1]:\(server.port)"])
    try await ServiceFixture.run(
      at: "http://127.0.0.1:9",
      resolve: { _ in
        [NetworkAddress(bytes: [UInt8](repeating: 0, count: 15) + [1]), NetworkAddress(bytes: [127, 0, 0, 1])]
      }
    ) { bench in
      let result = await bench.fetch(.url("http://image.invalid:\(server.port)/x"))
      #expect(result.bytes == Array(Self.yes.utf8), "\(result)")
    }
  }

  /// Says of everything that it could not be written, and leaves the connection as it is.
  private final class NoWrites: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
      promise?.fail(ConnectionTrouble.other("no write"))
    }
  }

  @Test(.timeLimit(.minutes(1)), arguments: [0, 1_000_000])
  func `A submission that cannot be written ends, even where the connection stays open`(imageBytes: Int) async throws {
    let server = try RawServer { $0.waitForEnd() }
    defer { server.stop() }
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    let channel = try await ClientBootstrap(group: loop).connect(host: "127.0.0.1", port: server.port).get()
    let images = imageBytes == 0 ? [] : [ReferenceImage.data([UInt8](repeating: 7, count: imageBytes), .png)]
    let permit = SendPermit { true }
    #expect(permit.use())
    let api = try #require(APIAddress(server.baseURL, key: "k", userAgent: "promptdrop/1.2.3", .byName))
    let post = api.submission(
      SubmitBody(SubmitRequest(snapshot: Snapshot(prompt: "fox", model: "m"), images: images)), permit: permit,
      patience: .seconds(600))
    let limits = ConnectionPools.Limits(connections: 1, stallTime: .seconds(600))
    do {
      _ = try await withCheckedThrowingContinuation { continuation in
        loop.execute {
          let settings = Connector.Settings(connectTimeout: .seconds(5), tls: .makeClientConfiguration(), proxy: nil)
          let pools = ConnectionPools(limits, Connector(settings, on: loop), on: loop)
          do {
            try channel.pipeline.syncOperations.addHandler(NoWrites())
            let connection = try ConnectionHandler.install(on: channel, pool: Pool(post.destination, limits, in: pools))
            let collector = AnswerCollector(limit: 1000, budget: AnswerBudget(1000), continuation)
            connection.begin(Exchange(post, collector, in: pools))
          } catch {
            continuation.resume(throwing: error)
          }
        }
      }
      Issue.record("it was answered")
    } catch {
      let broken = Exchange.Broken(permit: permit.close(), underlying: error)
      let outcome = ResponseClassifier(now: ServiceFixture.now).submitBroke(broken)
      #expect(outcome.isUnknown && outcome.error?.message.contains("no write") == true, "\(outcome)")
    }
    try await eventually("the end of the connection") { server.ended == 1 }
  }

  // MARK: cancelled and shut down

  @Test func `A query that is cancelled ends at once`() async throws {
    try await ServiceFixture.run(script: {
      $0.readRequest()
      $0.waitForEnd()
    }) { bench, server in
      let task = Task { await bench.service.query("ta1") }
      try await eventually("the request") { server.requests.count == 1 }
      task.cancel()
      #expect(await task.value.consequence == .transient(retryAfter: nil))
      try await eventually("the end of the connection") { server.ended == 1 }
    }
  }

  @Test func `A fetch that is cancelled in the middle of the picture ends at once`() async throws {
    let collected = Collected()
    try await ServiceFixture.run(script: {
      $0.readRequest()
      $0.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfox")
      $0.waitForEnd()
    }) { bench, server in
      let task = Task {
        do throws(FetchFailure) {
          try await bench.service.fetch(.url(server.baseURL), limit: 10) { chunk throws(FetchFailure) in
            collected.add(chunk)
          }
          return "whole"
        } catch {
          return error.kind
        }
      }
      try await eventually("the beginning") { collected.all == Array("fox".utf8) }
      task.cancel()
      #expect(await task.value == "transient")
      try await eventually("the end of the connection") { server.ended == 1 }
    }
  }

  @Test func `A submission that may have left is waited for, cancelled or not; one that has not is not sent`()
    async throws
  {
    let answer = DispatchSemaphore(value: 0)
    try await ServiceFixture.run(
      settings: { $0.maxConnections = 1 },
      script: { connection in
        while connection.readRequest() != nil {
          _ = answer.wait(timeout: .now() + .seconds(20))
          connection.answer("200 OK", Self.yes)
        }
      }
    ) { bench, server in
      let first = Task { await bench.submit("one") }
      try await eventually("the request") { server.requests.count == 1 }
      let second = Task { await bench.submit("two") }
      second.cancel()
      #expect(await second.value.reached == false)
      first.cancel()
      answer.signal()
      #expect(await first.value == .accepted(taskID: "ta1"))
      #expect(server.requests.count == 1)
    }
  }

  @Test func `At the end what is under way ends, and nothing begins`() async throws {
    try await ServiceFixture.run(script: {
      $0.readRequest()
      $0.waitForEnd()
    }) { bench, server in
      async let submitted = bench.submit()
      async let queried = bench.service.query("ta1")
      try await eventually("the requests") { server.requests.count == 2 }
      try await bench.service.shutdown()
      #expect(await submitted.isUnknown)
      #expect(await queried.consequence == .transient(retryAfter: nil))
      #expect(await bench.submit().reached == false)
      try await eventually("the end of the connections") { server.ended == 2 }
    }
  }

  // MARK: large bodies

  @Test func `A sink that is slow gets all of it`() async throws {
    let size = 8_000_000
    let body = [UInt8](repeating: 7, count: size - 1) + [9]
    // It gives way thousands of times, and each time to all the other tests.
    try await ServiceFixture.run(
      settings: { $0.fetchTotalTimeout = .seconds(120) },
      script: { connection in
        connection.readRequest()
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
        connection.send(body)
        connection.waitForEnd()
      }
    ) { bench, server in
      let collected = Collected()
      try await bench.service.fetch(.url(server.baseURL), limit: size) { chunk throws(FetchFailure) in
        for _ in 0..<20 { await Task.yield() }
        collected.add(chunk)
      }
      #expect(collected.length == size && collected.digest == ServiceFixture.digest(body))
    }
  }

  @Test func `What nobody takes is kept up to a limit`() async throws {
    let part = ByteBuffer(repeating: 7, count: 600_000)
    let head = try await withCheckedThrowingContinuation { continuation in
      let stream = BodyStream(continuation)
      stream.received(HTTPResponseHead(version: .http1_1, status: .ok))
      #expect(stream.received(part) && !stream.received(part))
      #expect(stream.take() == nil, "what goes on with reading is asked for it")
      stream.ended(nil)
    }
    #expect(head.status == .ok)
  }
}
