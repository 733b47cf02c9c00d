import Foundation
import ImageAPI
import JobCore
import SandboxServer
import Synchronization
import TestKit
import Testing

@Suite struct FetchTests {
  /// A server that sends this for every request, then closes.
  private func fetch(
    _ answer: String, limit: Int = 1000, path: String = "/x.png"
  ) async throws -> Result<[UInt8], FetchFailure> {
    try await ServiceFixture.run(script: {
      $0.readRequest()
      $0.send(answer)
    }) { bench, server in await bench.fetch(.url(server.baseURL + path), limit: limit) }
  }

  @Test func `A picture of the sandbox arrives whole, and the key does not go with it`() async throws {
    try await ServiceFixture.run(sandbox: []) { bench, sandbox in
      let bytes = try #require(await bench.fetch(try await bench.firstResult()).bytes)
      let info = try bytes.withUnsafeBytes { try ImageProbe.check($0).get() }
      #expect(info == ImageInfo(format: .png, width: 24, height: 24))
      #expect(sandbox.counters().leakedKeys == 0 && sandbox.counters().fetches == 1)
    }
  }

  @Test func `A picture that comes with the answer`() async throws {
    try await ServiceFixture.run(sandbox: ["result-data-uri"]) { bench, sandbox in
      let bytes = try #require(await bench.fetch(try await bench.firstResult()).bytes)
      #expect(bytes.withUnsafeBytes { (try? ImageProbe.check($0).get())?.width } == 24)
      #expect(sandbox.counters().fetches == 0)
    }
  }

  @Test func `Neither key nor cookie nor body goes to the picture's host, redirected or not`() async throws {
    try await ServiceFixture.run(script: { connection in
      while let request = connection.readRequest() {
        if request.line.contains("/a") {
          connection.answer("302 Found", "", headers: "Location: /b \t\r\nSet-Cookie: c=1\r\n")
        } else {
          connection.answer("200 OK", "fox")
        }
      }
    }) { bench, server in
      #expect(await bench.fetch(.url(server.baseURL + "/a?sig=x%2By")).bytes == Array("fox".utf8))
      #expect(server.requests.map(\.line) == ["GET /a?sig=x%2By HTTP/1.1", "GET /b HTTP/1.1"])
      for request in server.requests {
        #expect(request.header("User-Agent") == ["promptdrop/1.2.3"])
        #expect(request.header("Authorization").isEmpty && request.header("Cookie").isEmpty && request.body.isEmpty)
        #expect(!request.head.contains(ServiceFixture.key))
      }
    }
  }

  @Test func `Bytes are handed on as they come`() async throws {
    let collected = Collected()
    let seen = DispatchSemaphore(value: 0)
    try await ServiceFixture.run(
      settings: {
        $0.fetchTimeout = .seconds(30)
        $0.fetchTotalTimeout = .seconds(40)
      },
      script: { connection in
        connection.readRequest()
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nfox")
        // The rest is sent only once the first part has been handed on.
        guard seen.wait(timeout: .now() + .seconds(30)) == .success else { return }
        connection.send("fox")
      }
    ) { bench, server in
      try await bench.service.fetch(.url(server.baseURL), limit: 6) { chunk throws(FetchFailure) in
        collected.add(chunk)
        seen.signal()
      }
    }
    #expect(collected.all == Array("foxfox".utf8))
    #expect(collected.count >= 2)
  }

  @Test(arguments: [true, false])
  func `The limit counts to the byte`(isAnnounced: Bool) async throws {
    let head = isAnnounced ? "Content-Length: 10\r\n" : "Connection: close\r\n"
    let answer = "HTTP/1.1 200 OK\r\n\(head)\r\n0123456789"
    #expect(try await fetch(answer, limit: 10).bytes?.count == 10)
    #expect(try await fetch(answer, limit: 9).failure?.kind == "unusable")
  }

  @Test func `No more than the limit reaches the sink`() async throws {
    try await ServiceFixture.run(sandbox: ["image-huge=3000000"]) { bench, _ in
      let item = try await bench.firstResult()
      let collected = Collected()
      let failure = await #expect(throws: FetchFailure.self) {
        try await bench.service.fetch(item, limit: 100_000) { chunk throws(FetchFailure) in collected.add(chunk) }
      }
      #expect(failure?.kind == "unusable")
      #expect(collected.all.count <= 100_000)
    }
  }

  @Test(arguments: [
    "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n012345678", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nfox\r\n", "HTTP/1.1 200 OK\r\nContent-Le", "",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfox", "rubbish\r\n\r\n",
  ])
  func `A picture that is cut short is fetched again`(answer: String) async throws {
    let result = try await fetch(answer)
    #expect(result.failure?.kind == "transient", "\(result)")
  }

  @Test(arguments: [
    ("image-expired-always", "expired"), ("image-status=404", "expired"), ("image-status=410", "expired"),
    ("image-status=403", "expired"), ("image-status=500", "transient"), ("image-status=503", "transient"),
    ("image-status=429", "transient"), ("image-truncated", "transient"), ("image-redirect=loop", "expired"),
    ("image-status=202", "expired"), ("image-status=204", "expired"), ("image-part", "expired"),
    ("image-hang", "transient"),
  ])
  func `The sandbox's faults`(fault: String, kind: String) async throws {
    try await ServiceFixture.run(sandbox: [fault], settings: { $0.fetchTimeout = .milliseconds(400) }) {
      bench, sandbox in
      let result = await bench.fetch(try await bench.firstResult())
      #expect(result.failure?.kind == kind, "\(result)")
      #expect(sandbox.counters().leakedKeys == 0 && sandbox.counters().fetches <= 6)
    }
  }

  @Test(arguments: ["image-status=203", "image-status=206"])
  func `The whole picture is the picture, whatever the status`(fault: String) async throws {
    try await ServiceFixture.run(sandbox: [fault]) { bench, _ in
      let bytes = try #require(await bench.fetch(try await bench.firstResult()).bytes)
      let info = try bytes.withUnsafeBytes { try ImageProbe.check($0).get() }
      #expect(info == ImageInfo(format: .png, width: 24, height: 24))
    }
  }

  @Test(arguments: [
    ("Content-Range: bytes 0-2/3", true), ("Content-Range: BYTES  0-2/3", true), ("X: y", true),
    ("Content-Range: bytes 0-2/4", false), ("Content-Range: bytes 1-3/4", false), ("Content-Range: bytes 0-2/*", false),
    ("Content-Range: rubbish", false), ("Content-Type: multipart/byteranges; boundary=x", false),
  ])
  func `A part is not the whole`(header: String, isWhole: Bool) async throws {
    let result = try await fetch("HTTP/1.1 206 Partial Content\r\nContent-Length: 3\r\n\(header)\r\n\r\nfox")
    #expect(isWhole ? result.bytes == Array("fox".utf8) : result.failure?.kind == "expired", "\(result)")
  }

  @Test func `An expired link is good again after a query`() async throws {
    try await ServiceFixture.run(sandbox: ["image-expired"]) { bench, _ in
      let id = try await bench.accepted()
      for kind in ["expired", nil] {
        guard case .succeeded(let items) = try await bench.report(id).phase else { throw Unexpected() }
        #expect(await bench.fetch(try #require(items.first)).failure?.kind == kind)
      }
    }
  }

  @Test(arguments: [429, 503])
  func `The picture's host says when`(status: Int) async throws {
    let result = try await fetch("HTTP/1.1 \(status) X\r\nContent-Length: 0\r\nRetry-After: 11\r\n\r\n")
    guard case .transient(_, let after) = result.failure else {
      Issue.record("\(result)")
      return
    }
    #expect(after == .seconds(11))
  }

  @Test func `A slow drip ends at the time for a picture in all`() async throws {
    let drops = Mutex<Int?>(nil)
    try await ServiceFixture.run(
      settings: { $0.fetchTotalTimeout = .milliseconds(400) },
      script: { connection in
        connection.readRequest()
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        drops.withLock { $0 = connection.drip() }
      }
    ) { bench, server in
      #expect(await bench.fetch(.url(server.baseURL)).failure?.kind == "transient")
      try await eventually("the end of the drip") { drops.withLock { $0 } != nil }
      #expect(drops.withLock { $0 ?? 0 } < 95)
    }
  }

  @Test func `The sink's failure is the fetch's`() async throws {
    let full = FetchFailure.local(JobError(code: "disk-full", message: "full"))
    try await ServiceFixture.run(script: {
      $0.readRequest()
      $0.answer("200 OK", "fox")
    }) { bench, server in
      for item in [ResultItem.url(server.baseURL), .inline(dataURI: "data:image/png;base64,AAAA")] {
        let failure = await #expect(throws: FetchFailure.self) {
          try await bench.service.fetch(item, limit: 10) { _ throws(FetchFailure) in throw full }
        }
        #expect(failure == full)
      }
    }
  }

  @Test(arguments: [ResultItem.inlineElsewhere, .text("words")])
  func `What is not there has to be asked for again`(item: ResultItem) async throws {
    try await ServiceFixture.run(at: "http://127.0.0.1:9") { bench in
      #expect(await bench.fetch(item).failure?.kind == "expired")
    }
  }

  @Test(arguments: [10, 11, 12, 13])
  func `A data URI's limit counts to the byte`(limit: Int) async throws {
    let uri = "data:image/png;base64," + Data([UInt8](repeating: 1, count: 12)).base64EncodedString()
    try await ServiceFixture.run(at: "http://127.0.0.1:9") { bench in
      let result = await bench.fetch(.inline(dataURI: uri), limit: limit)
      #expect(limit >= 12 ? result.bytes?.count == 12 : result.failure?.kind == "unusable", "\(result)")
    }
  }

  @Test(arguments: [
    "data:image/png,abc", "data:image/png;base64", "data:image/png;base64,", "data:", "data:,",
    "data:image/png;base64,A",
    "data:image/png;base64,%%%", "data:;base64x,AAAA",
  ])
  func `A data URI that is none is unusable`(uri: String) async throws {
    try await ServiceFixture.run(at: "http://127.0.0.1:9") { bench in
      let result = await bench.fetch(.inline(dataURI: uri))
      #expect(result.failure?.kind == "unusable", "\(result)")
    }
  }

  @Test func `White space in base64 does no harm`() async throws {
    try await ServiceFixture.run(at: "http://127.0.0.1:9") { bench in
      let result = await bench.fetch(.inline(dataURI: "data:image/png;base64,AQ\n ID\r\nBA=="))
      #expect(result.bytes == [1, 2, 3, 4])
    }
  }
}
