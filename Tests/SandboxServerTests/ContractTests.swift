import Foundation
import SandboxServer
import Testing

struct ContractTests {
  @Test func happyPath() async throws {
    try await Fixture.run { bench in
      let answer = try await bench.submit()
      #expect(answer.status == 200)
      #expect(answer.headers["content-type"] == "application/json")
      #expect(try answer.json()["code"] as? Int == 0)
      #expect(try answer.json()["message"] as? String == "ok")
      let id = try #require(try answer.data()["task_id"] as? String)
      #expect(id.hasPrefix("ta") && id.count == 38)

      let data = try await bench.query(id).data()
      #expect(data["task_id"] as? String == id)
      #expect(data["status"] as? String == "success")
      #expect(data["consumed"] as? String == "0.500000")
      #expect((data["status_reason"] as? [String: Any])?["message"] is NSNull)
      let createdAt = try #require(data["created_at"] as? String)
      let created = try Date(createdAt, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
      #expect(abs(created.timeIntervalSinceNow) < 60)

      let links = try await bench.links(id)
      #expect(links == ["\(bench.sandbox.baseURL)/images/\(id)-1.png"])
      let picture = try await bench.fetch(links[0])
      #expect(picture.status == 200)
      #expect(picture.headers["content-type"] == "image/png")
      #expect(isWholePNG(picture.body))
      #expect(bench.sandbox.counters().leakedKeys == 0)
    }
  }

  @Test func statusesComeInOrder() async throws {
    try await Fixture.run(options: { $0.statusDelay = .milliseconds(1600) }) { bench in
      let id = try await bench.accepted()
      var seen: [String] = []
      try await eventually {
        let data = try await bench.query(id).data()
        let status = try #require(data["status"] as? String)
        if seen.last != status { seen.append(status) }
        #expect(status == "success" || data["result"] is NSNull)
        return status == "success"
      }
      let order = ["pending", "submitted", "in_progress", "success"]
      #expect(seen == order.filter { seen.contains($0) })
      #expect(seen.contains("in_progress"))
    }
  }

  @Test(arguments: [
    (#"{"model":"m"}"#, "prompt is required"),
    (#"{"model":"m","prompt":"  "}"#, "prompt is required"),
    (#"{"model":"m","prompt":5}"#, "prompt is required"),
    (#"{"prompt":"p"}"#, "model is required"),
    (#"{"model":"m","prompt":"p","images":"x"}"#, "images must be an array of URLs"),
    (#"{"model":"m","prompt":"p","images":["ftp://x"]}"#, "images: invalid image URL"),
    (#"{"model":"m","prompt":"p","images":["data:image/png;base64,???"]}"#, "images: invalid image URL"),
    (
      #"{"model":"m","prompt":"p","images":["http://a/1","http://a/2","http://a/3","http://a/4","http://a/5"]}"#,
      "images: at most 4 are allowed"
    ),
    (#"{"model":"m","prompt":"p","callback_url":7}"#, "callback_url must be a string"),
    (#"["model"]"#, "body must be a JSON object"),
    ("not json", "invalid JSON body"),
  ])
  func badBodies(body: String, detail: String) async throws {
    try await Fixture.run { bench in
      let answer = try await bench.post(Data(body.utf8))
      #expect(answer.status == 400)
      #expect(try answer.json()["code"] as? Int == 1)
      #expect(try answer.json()["message"] as? String == "failed")
      #expect(try answer.json()["detail"] as? String == detail)
      #expect(bench.sandbox.ledger().map(\.taskID) == [nil])
    }
  }

  @Test func wrongContentType() async throws {
    try await Fixture.run { bench in
      let answer = try await bench.submit(headers: ["Authorization": "Bearer x", "Content-Type": "text/plain"])
      #expect(answer.status == 400)
    }
  }

  @Test func fourImagesOfBothKindsAreGood() async throws {
    try await Fixture.run { bench in
      let images = [
        "https://a.example/1.png", "http://a.example/2", "data:image/png;base64,aGk=", "https://b.example/",
      ]
      _ = try await bench.accepted(extra: ["images": images])
      #expect(bench.sandbox.ledger().first?.images == images)
    }
  }

  @Test func keys() async throws {
    try await Fixture.run(options: { $0.apiKey = "dk-right" }) { bench in
      for key in [nil, "dk-wrong", "Bearer dk-wrong", "Bearer ", "Bearer dk-righ"] {
        var headers = ["Content-Type": "application/json"]
        headers["Authorization"] = key
        let submit = try await bench.submit(headers: headers)
        #expect(submit.status == 401)
        #expect(submit.text == #"{"code":1,"message":"Invalid API key"}"#)
        let query = try await bench.query("tax", headers: headers)
        #expect(query.status == 401)
        #expect(query.text == #"{"code":401,"message":"Invalid API key"}"#)
      }
      let right = ["Authorization": "Bearer dk-right", "Content-Type": "application/json"]
      #expect(try await bench.submit(headers: right).status == 200)
    }
  }

  @Test func unknownTasksAndPaths() async throws {
    try await Fixture.run { bench in
      let unknown = try await bench.query("ta-none")
      #expect(unknown.status == 404)
      #expect(unknown.text == #"{"code":1,"message":"task not found"}"#)
      let port = bench.sandbox.port
      let missing = try await RawHTTP.exchange("GET", "/api/task/query", port: port, headers: Fixture.good)
      #expect(missing.status == 400)
      for (method, path) in [
        ("GET", "/"), ("POST", "/v1/api/image/gen"), ("GET", "/api/image/gen"), ("GET", "/images/x"),
      ] {
        let answer = try await RawHTTP.exchange(method, path, port: port, headers: Fixture.good)
        #expect(answer.status == 404)
        #expect(answer.text.hasPrefix("<!DOCTYPE html>"))
      }
    }
  }

  @Test func tooLargeABody() async throws {
    try await Fixture.run(options: { $0.maximumBody = 100_000 }) { bench in
      let answer = try await bench.submit(String(repeating: "x", count: 400_000))
      #expect(answer.status == 413)
      #expect(bench.sandbox.ledger().isEmpty)
      #expect(SandboxOptions().maximumBody == 64 << 20)

      var expecting = Fixture.good
      expecting["Expect"] = "100-continue"
      #expect(try await bench.submit("small", headers: expecting).status == 200)
      #expect(try await bench.submit(String(repeating: "x", count: 400_000), headers: expecting).status == 413)
    }
  }

  @Test func severalRequestsOnOneConnection() async throws {
    try await Fixture.run { bench in
      let one = "GET /api/task/query?task_id=a HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer k\r\n"
      let bytes = Data((one + "\r\n" + one + "Connection: close\r\n\r\n").utf8)
      let answer = try await RawHTTP.send(bytes, port: bench.sandbox.port)
      #expect(answer.text.components(separatedBy: "HTTP/1.1 404").count == 2)
      #expect(bench.sandbox.counters().queries == 2)
    }
  }

  @Test func startingTwiceAndAgain() async throws {
    let sandbox = Sandbox(SandboxOptions())
    #expect(sandbox.port == 0)
    try await sandbox.start()
    await #expect(throws: SandboxError.alreadyStarted) { try await sandbox.start() }
    var taken = SandboxOptions()
    taken.port = sandbox.port
    await #expect(throws: (any Error).self) { try await Sandbox(taken).start() }
    try await sandbox.stop()
    try await sandbox.stop()
    try await sandbox.start()
    try await sandbox.stop()
  }
}
