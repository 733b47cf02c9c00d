import Foundation
import SandboxServer
import Testing

struct QueryFaultTests {
  @Test func statuses() async throws {
    try await Fixture.run { bench in
      let id = try await bench.accepted()
      for (spec, status) in [("query-status=500:1", 500), ("query-status=401:1", 401), ("query-status=404:1", 404)] {
        bench.sandbox.addFault(try Fault(parsing: spec))
        let answer = try await bench.query(id)
        #expect(answer.status == status)
        #expect(try answer.json()["code"] as? Int == (status == 401 ? 401 : 1))
      }
      bench.sandbox.addFault(try Fault(parsing: "query-html=404:1"))
      let page = try await bench.query(id)
      #expect(page.status == 404 && page.text.hasPrefix("<!DOCTYPE"))
      bench.sandbox.addFault(try Fault(parsing: "query-retry-after=3:1"))
      let busy = try await bench.query(id)
      #expect(busy.status == 429 && busy.headers["retry-after"] == "3")
      // A service that is down is down for tasks it never knew, too: that is how a client probes it.
      bench.sandbox.addFault(try Fault(parsing: "query-status=503:1"))
      #expect(try await bench.query("ta-unknown").status == 503)
    }
  }

  @Test func notFoundAtFirst() async throws {
    try await Fixture.run(["query-not-found:2"]) { bench in
      for _ in 0..<2 {
        let id = try await bench.accepted()
        for expected in [404, 404, 200, 200] { #expect(try await bench.query(id).status == expected) }
      }
    }
  }

  @Test func lostForGood() async throws {
    try await Fixture.run(["query-lost:1"]) { bench in
      let lost = try await bench.accepted()
      for _ in 0..<3 {
        #expect(try await bench.query(lost).text == #"{"code":1,"message":"task not found"}"#)
      }
      #expect(try await bench.query(try await bench.accepted()).status == 200)
    }
  }

  @Test func unknownStatus() async throws {
    try await Fixture.run(["query-unknown-status=queued_for_gpu:1"]) { bench in
      let id = try await bench.accepted()
      let data = try await bench.query(id).data()
      #expect(data["status"] as? String == "queued_for_gpu")
      #expect(data["result"] is NSNull)
      #expect(try await bench.query(id).data()["status"] as? String == "success")
    }
  }

  @Test func brokenAnswers() async throws {
    try await Fixture.run(["query-garbage:1", "query-cut:1", "query-reset:1", "query-hang:1"]) { bench in
      let id = try await bench.accepted()
      let garbage = try await bench.query(id)
      #expect(garbage.status == 200)
      #expect(throws: (any Error).self) { try garbage.json() }
      let cut = try await bench.query(id)
      #expect(cut.isCut && !cut.body.isEmpty)
      await #expect(throws: RawFailure.reset) { try await bench.query(id) }
      await #expect(throws: RawFailure.timeout) { try await bench.query(id, seconds: 1) }
      #expect(try await bench.query(id).status == 200)
    }
  }

  @Test func slow() async throws {
    try await Fixture.run(["query-slow=120:1"]) { bench in
      let id = try await bench.accepted()
      let start = ContinuousClock.now
      #expect(try await bench.query(id).status == 200)
      #expect(ContinuousClock.now - start >= .milliseconds(120))
    }
  }

  @Test func results() async throws {
    try await Fixture.run { bench in
      func result(_ spec: String) async throws -> Any? {
        let id = try await bench.accepted("[sandbox: \(spec)]")
        let first = try await bench.query(id).data()
        #expect(first["status"] as? String == "success")
        let second = try await bench.query(id).data()
        #expect("\(first["result"] ?? "")" == "\(second["result"] ?? "")")
        return first["result"]
      }
      #expect(
        try await result("result-text=I cannot draw that") as? [[String: String]] == [["text": "I cannot draw that"]])
      #expect(try await (result("result-empty") as? [Any])?.isEmpty == true)
      #expect(try await result("result-null") is NSNull)
      let object = try #require(try await result("result-object") as? [String: String])
      #expect(try await isWholePNG(bench.fetch(try #require(object["image"])).body))
      #expect(try await (result("result-string") as? String)?.hasPrefix("http://") == true)
      let images = try #require(try await result("result-images=3") as? [[String: String]])
      var pictures: Set<Data> = []
      for image in images { pictures.insert(try await bench.fetch(try #require(image["image"])).body) }
      #expect(pictures.count == 3)
      let inline = try #require(try await result("result-data-uri") as? [[String: String]]).first?["image"]
      let encoded = try #require(inline?.split(separator: ",").last)
      #expect(inline?.hasPrefix("data:image/png;base64,") == true)
      #expect(isWholePNG(try #require(Data(base64Encoded: String(encoded)))))
    }
  }

  @Test func failed() async throws {
    try await Fixture.run(["task-failed=content policy:1", "result-string-status:2"]) { bench in
      let id = try await bench.accepted()
      let bare = try await bench.query(id).data()
      #expect(bare["status"] as? String == "failed")
      #expect(bare["status_reason"] as? String == "content policy")
      #expect(bare["result"] is NSNull)
      #expect(try await bench.query(try await bench.accepted()).data()["status_reason"] is NSNull)
      let data = try await bench.query(id).data()
      #expect((data["status_reason"] as? [String: String])?["message"] == "content policy")
    }
  }

  @Test func shapeByOption() async throws {
    try await Fixture.run(options: { $0.resultShape = .text("no") }) { bench in
      let data = try await bench.query(try await bench.accepted()).data()
      #expect(data["result"] as? [[String: String]] == [["text": "no"]])
    }
  }
}
