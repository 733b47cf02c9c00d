import Foundation
import SandboxServer
import Testing

struct ImageFaultTests {
  @Test func cutShort() async throws {
    try await Fixture.run(["image-truncated:1", "image-short:1"]) { bench in
      let link = try #require(try await bench.links(try await bench.accepted()).first)
      let truncated = try await bench.fetch(link)
      #expect(truncated.isCut && pngSize(truncated.body) != nil)
      let short = try await bench.fetch(link)
      #expect(!short.isCut && pngSize(short.body) != nil && !isWholePNG(short.body))
      let whole = try await bench.fetch(link)
      #expect(isWholePNG(whole.body))
      #expect(whole.body.starts(with: short.body))
    }
  }

  @Test func expiredOnce() async throws {
    try await Fixture.run(["image-expired"]) { bench in
      for _ in 0..<2 {
        let id = try await bench.accepted()
        let first = try #require(try await bench.links(id).first)
        for _ in 0..<2 { #expect(try await bench.fetch(first).status == 403) }
        let fresh = try #require(try await bench.links(id).first)
        #expect(fresh != first)
        #expect(try await isWholePNG(bench.fetch(fresh).body))
        #expect(try await bench.fetch(first).status == 403)
      }
    }
  }

  @Test func expiredAlways() async throws {
    try await Fixture.run(["image-expired-always"]) { bench in
      let id = try await bench.accepted()
      for _ in 0..<3 {
        #expect(try await bench.fetch(try #require(try await bench.links(id).first)).status == 403)
      }
    }
  }

  @Test func otherAnswers() async throws {
    try await Fixture.run { bench in
      let link = try #require(try await bench.links(try await bench.accepted()).first)
      func fetch(_ spec: String) async throws -> RawAnswer {
        bench.sandbox.addFault(try Fault(parsing: spec + ":1"))
        return try await bench.fetch(link)
      }
      #expect(try await fetch("image-status=500").status == 500)
      let page = try await fetch("image-html")
      #expect(page.status == 200 && page.text.hasPrefix("<!DOCTYPE html>"))
      let away = try await fetch("image-redirect=http://127.0.0.1:9/x.png")
      #expect(away.status == 302 && away.headers["location"] == "http://127.0.0.1:9/x.png")
      let loop = try await fetch("image-redirect=loop")
      #expect(loop.headers["location"] == URLComponents(string: link)?.path)
      let jpeg = try await fetch("image-jpeg")
      #expect(jpeg.headers["content-type"] == "image/jpeg")
      #expect(jpeg.body.starts(with: [0xFF, 0xD8, 0xFF]) && jpeg.body.suffix(2) == Data([0xFF, 0xD9]))
      let lie = try await fetch("image-type=text/plain")
      #expect(lie.headers["content-type"] == "text/plain" && isWholePNG(lie.body))
      let start = ContinuousClock.now
      #expect(try await isWholePNG(fetch("image-slow=120").body))
      #expect(ContinuousClock.now - start >= .milliseconds(120))
      bench.sandbox.addFault(try Fault(parsing: "image-hang:1"))
      await #expect(throws: RawFailure.timeout) { try await bench.fetch(link, seconds: 1) }
    }
  }

  @Test func huge() async throws {
    try await Fixture.run(["image-huge=5000000"]) { bench in
      let answer = try await bench.picture()
      #expect(answer.headers["content-length"] == nil)
      #expect(answer.headers["transfer-encoding"] == "chunked")
      #expect(answer.body.count > 5_000_000 && answer.body.count < 5_010_000)
    }
  }

  @Test func lateHostsAndOddPictures() async throws {
    try await Fixture.run { bench in
      let link = try #require(try await bench.links(try await bench.accepted()).first)
      func fetch(_ specs: String...) async throws -> RawAnswer {
        for spec in specs { bench.sandbox.addFault(try Fault(parsing: spec + ":1")) }
        return try await bench.fetch(link)
      }
      let whole = try await bench.fetch(link).body
      for status in [203, 206] {
        let answer = try await fetch("image-status=\(status)")
        #expect(answer.status == status && answer.body == whole)
      }
      #expect(
        try await fetch("image-status=206").headers["content-range"] == "bytes 0-\(whole.count - 1)/\(whole.count)")
      let nothing = try await fetch("image-status=204")
      #expect(nothing.status == 204 && nothing.body.isEmpty)
      #expect(try await fetch("image-status=202").status == 202)
      let part = try await fetch("image-part")
      #expect(part.status == 206 && part.body.count == whole.count / 2 && whole.starts(with: part.body))
      #expect(try await fetch("image-cut=12").body == whole.dropLast(12))
      let jpeg = try await fetch("image-jpeg", "image-cut=2")
      #expect(jpeg.body.starts(with: [0xFF, 0xD8]) && jpeg.body.suffix(2) != Data([0xFF, 0xD9]))
      let avif = try await fetch("image-format=avif")
      #expect(
        avif.headers["content-type"] == "image/avif" && avif.body.dropFirst(4).starts(with: Array("ftypavif".utf8)))
      #expect(throws: FaultSpecError.self) { try Fault(parsing: "image-format=bmp") }
      #expect(throws: FaultSpecError.self) { try Fault(parsing: "image-status=200") }
    }
  }

  @Test func aResultThatIsNullAtFirst() async throws {
    try await Fixture.run(["query-no-result:2"]) { bench in
      for _ in 0..<2 {
        let id = try await bench.accepted()
        for _ in 0..<2 {
          let data = try await bench.query(id).data()
          #expect(data["status"] as? String == "success" && data["result"] is NSNull)
        }
        #expect(try await bench.links(id).count == 1)
      }
    }
  }
}
