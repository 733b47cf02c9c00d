import Foundation
import ProgramKit
import TestKit
import Testing

/// A prompt is dropped, a picture and a sidecar appear beside it.
@Suite(.serialized) struct MainJobTests {
  @Test func hashesAsOthersDo() {
    #expect(sha256(Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      sha256(Array(repeating: 97, count: 119)) == "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb")
  }

  @Test func onceMakesThePictureAndSaysSo() async throws {
    let bench = try await Fixture(["cat": "a red cat\r\n"]) { $0.consumed = "0.123456789012345678" }
    let run = try await bench.once()
    #expect(run.code == 0, "\(run)")
    #expect(try bench.names() == ["cat.png", "cat.prompt", "cat.status.json"])

    let sidecar = try bench.sidecar("cat")
    #expect(sidecar.schema == "promptdrop.status/1")
    #expect(sidecar.state == "done" && sidecar.reason == nil && sidecar.code == nil)
    #expect(sidecar.serviceStatus == "success")
    #expect(sidecar.consumed == "0.123456789012345678")
    #expect(sidecar.revision == 1 && sidecar.model == "google/gempix2")
    let picture = try #require(sidecar.outputs.first)
    let bytes = try bench.root.bytes("cat.png")
    #expect(sidecar.outputs.count == 1 && picture.file == "cat.png" && picture.mediaType == "image/png")
    #expect(picture.sha256 == sha256(bytes) && picture.bytes == bytes.count)
    #expect(picture.width == 64 && picture.height == 48)
    #expect(bytes.starts(with: [0x89, 0x50, 0x4e, 0x47]) && bytes.suffix(8).starts(with: "IEND".utf8))
    let attempt = try #require(sidecar.attempts.first)
    #expect(attempt.taskID != nil && attempt.taskID == bench.posts.first?.taskID)
    #expect(sidecar.attempts.count == 1 && attempt.outcome == "accepted")
    for name in ["created_at", "updated_at", "submitted_at"] {
      #expect(sidecar.times[name]?.hasSuffix("Z") == true, "\(sidecar.times)")
    }
    #expect(sidecar.agent["version"]?.isEmpty == false && sidecar.agent["host"]?.isEmpty == false)

    #expect(bench.posts.map(\.prompt) == ["a red cat"])
    #expect(bench.posts.allSatisfy { $0.hasAuthorization })
    #expect(bench.sandbox.counters().leakedKeys == 0)
  }

  @Test func watchTakesWhatIsThereAndWhatArrives() async throws {
    let bench = try await Fixture(["early": "an early bird"])
    let agent = try await bench.watch()
    try bench.root.write("late.prompt", "a late bird")
    try await bench.waitFor("early", "done")
    try await bench.waitFor("late", "done")
    #expect(bench.paid.sorted() == ["a late bird", "an early bird"])
    agent.terminate()
    let run = try await bench.end(of: agent)
    #expect(run.code == 0, "\(run)")
  }

  @Test func manyInManyFoldersAreMadeOnceEach() async throws {
    let bench = try await Fixture()
    for number in 0..<40 {
      try bench.root.write("\(number % 4)/\(number % 3)/p\(number).prompt", "picture number \(number)")
    }
    let run = try await bench.once()
    #expect(run.code == 0, "\(run)")
    #expect(Set(bench.paid).count == 40 && bench.posts.count == 40)
    for number in 0..<40 { #expect(bench.root.exists("\(number % 4)/\(number % 3)/p\(number).png")) }
    let again = try await bench.once()
    #expect(again.code == 0 && bench.posts.count == 40, "\(again)")
  }

  @Test func anEmptyFolderIsNoTrouble() async throws {
    let bench = try await Fixture()
    let run = try await bench.once()
    #expect(run.code == 0, "\(run)")
    #expect(try bench.names().isEmpty)
  }

  @Test func frontMatterAndFolderDefaultsReachTheService() async throws {
    let bench = try await Fixture()
    try bench.root.write(
      "one.prompt",
      "---\nmodel: google/gemini-2.5-flash-image\naspect_ratio: 16:9\nimage_size: 2k\nextra:\n  seed: 7\n---\na fox\n")
    try bench.root.write(".promptdrop.yaml", "model: google/nano-banana\n")
    try bench.root.write("sub/.promptdrop.yaml", "aspect_ratio: '1:1'\n")
    try bench.root.write("sub/two.prompt", "a wolf")
    let run = try await bench.once()
    #expect(run.code == 0, "\(run)")
    let bodies = try bench.posts.reduce(into: [String: [String: Any]]()) { bodies, post in
      bodies[post.prompt ?? ""] = try JSONSerialization.jsonObject(with: post.body) as? [String: Any]
    }
    let fox = try #require(bodies["a fox"])
    #expect(fox["model"] as? String == "google/gemini-2.5-flash-image")
    #expect(fox["aspect_ratio"] as? String == "16:9" && fox["image_size"] as? String == "2k")
    #expect(fox["seed"] as? Int == 7)
    let wolf = try #require(bodies["a wolf"])
    #expect(wolf["model"] as? String == "google/nano-banana" && wolf["aspect_ratio"] as? String == "1:1")
    #expect(try bench.sidecar("one").outputs.first.map { $0.width > $0.height } == true)
  }

  @Test func statusesShowAsTheyChange() async throws {
    let bench = try await Fixture(["slow": "a slow one"], delay: .seconds(3))
    let agent = try bench.start("once")
    var seen: [String] = []
    try await eventually(within: .seconds(30), "it ends") {
      if bench.root.exists("slow.status.json"), let word = try bench.sidecar("slow").serviceStatus, seen.last != word {
        seen.append(word)
      }
      return agent.ending != nil
    }
    #expect(seen.last == "success" && seen.count >= 3, "\(seen)")
    #expect(seen.dropLast().allSatisfy { ["pending", "submitted", "in_progress"].contains($0) }, "\(seen)")
  }
}
