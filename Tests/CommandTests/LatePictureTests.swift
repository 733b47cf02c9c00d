import Foundation
import ProgramKit
import TestKit
import Testing

/// Pictures that come late, or in another form than they were asked for.
@Suite(.serialized) struct LatePictureTests {
  private static let late = [
    "image-status=404:4", "image-status=403:2", "image-status=202:3", "image-status=204:2", "image-part:3",
    "image-html:2", "image-status=203", "image-status=206", "query-no-result:3",
  ]

  @Test func lateIsNotLost() async throws {
    let bench = try await Fixture()
    for (index, fault) in Self.late.enumerated() {
      try bench.root.write("p\(index).prompt", "[sandbox: \(fault)] \(fault)")
    }
    let run = try await bench.once(["--fetch-patience": "20s"])
    #expect(run.code == 0, "\(run)")
    for (index, fault) in Self.late.enumerated() {
      let sidecar = try bench.sidecar("p\(index)")
      #expect(sidecar.state == "done" && sidecar.files == ["p\(index).png"], "\(fault): \(sidecar.text)")
    }
    #expect(bench.posts.count == Self.late.count && bench.sandbox.counters().leakedKeys == 0)
  }

  @Test func onceEndsWithOneAndTheNextRunGoesOn() async throws {
    let bench = try await Fixture(["cat": "cat", "dog": "dog [sandbox: task-failed=no]"], faults: ["image-status=404"])
    let first = try await bench.once()
    #expect(first.code == 1 && first.log.contains("cat.prompt: held"), "\(first)")
    let sidecar = try bench.sidecar("cat")
    #expect(sidecar.reason == "paid-not-fetched" && sidecar.explains && sidecar.nextAttemptAt != nil, "\(sidecar.text)")
    #expect(sidecar.text.contains("result_urls"), "\(sidecar.text)")
    // Each run tries it.
    let before = bench.sandbox.counters().fetches
    let second = try await bench.once()
    #expect(second.code == 1 && second.log.contains("cat.prompt: held"), "\(second)")
    #expect(bench.sandbox.counters().fetches > before)
    bench.sandbox.removeFaults()
    let third = try await bench.once()
    #expect(try third.code == 1 && bench.isIn("cat", "done") && bench.root.exists("cat.png"), "\(third)")
    #expect(bench.posts.count == 2)
  }

  @Test func aHeldOneIsDecidedAsBefore() async throws {
    let bench = try await Fixture(["cat": "cat", "dog": "dog"], faults: ["image-status=404"])
    _ = try await bench.watch()
    try await bench.waitFor("cat", "held")
    try await bench.waitFor("dog", "held")
    let status = try await bench.run("status")
    #expect(status.out.contains("picture: http://"), "\(status)")
    let given = try await bench.run("resolve", [bench.root.path("dog.prompt"), "--abandon"])
    #expect(given.code == 0, "\(given)")
    bench.sandbox.removeFaults()
    let again = try await bench.run("retry", [bench.root.path("cat.prompt")])
    #expect(again.code == 0 && again.out.contains("costs nothing"), "\(again)")
    try await bench.waitFor("cat", "done")
    #expect(try bench.isIn("dog", "cancelled") && bench.posts.count == 2)
  }

  @Test func everyFormatHasItsOwnEnding() async throws {
    let formats = [
      "avif": "image/avif", "gif": "image/gif", "heic": "image/heic", "jxl": "image/jxl", "webp": "image/webp",
    ]
    let bench = try await Fixture()
    for format in formats.keys {
      try bench.root.write("\(format)-one.prompt", "[sandbox: image-format=\(format)] \(format)")
    }
    // A user's own file is nobody else's.
    try bench.root.write("avif-one.avif", "mine")
    let run = try await bench.once()
    #expect(run.code == 0, "\(run)")
    for (format, type) in formats {
      let output = try #require(try bench.sidecar("\(format)-one").outputs.first)
      #expect(output.file == (format == "avif" ? "avif-one.alt1.avif" : "\(format)-one.\(format)"))
      #expect(output.mediaType == type && output.width == 32 && output.height == 24)
      #expect(sha256(try bench.root.bytes(output.file)) == output.sha256)
    }
    #expect(try bench.root.read("avif-one.avif") == "mine")
    // And they follow their prompts.
    try bench.root.rename("heic-one.prompt", to: "two.prompt")
    #expect(try await bench.once().code == 0)
    #expect(try bench.sidecar("two").files == ["two.heic"] && bench.posts.count == formats.count)
  }

  /// What cannot be sent as a reference image still cannot.
  @Test func aReferenceImageIsWhatTheServiceTakes() async throws {
    let made = try await Fixture(["x": "[sandbox: image-format=heic] x"])
    #expect(try await made.once().code == 0)
    let bench = try await Fixture(["cat": "---\nimages: [ref.heic]\n---\na cat"])
    try bench.root.write("ref.heic", bytes: try made.root.bytes("x.heic"))
    #expect(try await bench.once().code == 1)
    #expect(try bench.sidecar("cat").message?.contains("PNG, JPEG or WebP") == true && bench.posts.isEmpty)
  }
}
