import JobCore
import PromptFile
import Testing

@Suite struct HashTests {
  private static let full = "---\nmodel: m\naspect_ratio: 1:1\nimages: [a.png, b.png]\nextra: {a: 1, b: [x]}\n---\nfox"

  @Test(arguments: [
    "---\n# why\nmodel: m # so\naspect_ratio: 1:1\nimages: [a.png, b.png]\nextra: {a: 1, b: [x]}\n---\nfox",
    "---\nextra: {b: [x], a: 1}\nimages:\n- a.png\n- 'b.png'\naspect_ratio: \"1:1\"\nmodel: m\n---\nfox",
    "---\ncount: 4\nmodel: m\naspect_ratio: 1:1\nimages: [a.png, b.png]\nextra: {a: 1, b: [x]}\n---\nfox",
    "---\nhold: true\nmodel: m\naspect_ratio: 1:1\nimages: [a.png, b.png]\nextra: {a: 1, b: [x]}\n---\nfox",
    "---\nrequire_images: true\nmodel: m\naspect_ratio: 1:1\nimages: [a.png, b.png]\nextra: {a: 1, b: [x]}\n---\nfox",
    "---\n{model: m, aspect_ratio: '1:1', images: [a.png, b.png], extra: {a: 1, b: [x]}}\n---\nfox",
  ])
  func `What makes no other picture leaves the source's hash`(text: String) throws {
    #expect(try understand(text).sourceSHA == (try understand(Self.full).sourceSHA))
  }

  @Test(arguments: [
    "---\nmodel: n\naspect_ratio: 1:1\nimages: [a.png, b.png]\nextra: {a: 1, b: [x]}\n---\nfox",
    "---\nmodel: m\naspect_ratio: 9:16\nimages: [a.png, b.png]\nextra: {a: 1, b: [x]}\n---\nfox",
    "---\nmodel: m\naspect_ratio: 1:1\nimage_size: 1k\nimages: [a.png, b.png]\nextra: {a: 1, b: [x]}\n---\nfox",
    "---\nmodel: m\naspect_ratio: 1:1\nimages: [b.png, a.png]\nextra: {a: 1, b: [x]}\n---\nfox",
    "---\nmodel: m\naspect_ratio: 1:1\nimages: [a.png]\nextra: {a: 1, b: [x]}\n---\nfox",
    "---\nmodel: m\naspect_ratio: 1:1\nimages: [a.png, b.png]\nextra: {a: '1', b: [x]}\n---\nfox",
    "---\nmodel: m\naspect_ratio: 1:1\nimages: [a.png, b.png]\nextra: {a: 1, b: [x, x]}\n---\nfox",
    "---\nmodel: m\naspect_ratio: 1:1\nimages: [a.png, b.png]\n---\nfox",
    "---\naspect_ratio: 1:1\nimages: [a.png, b.png]\nextra: {a: 1, b: [x]}\n---\nfox",
    "---\nmodel: m\naspect_ratio: 1:1\nimages: [a.png, b.png]\nextra: {a: 1, b: [x]}\n---\nhare", "fox",
  ])
  func `What makes another picture changes the source's hash`(text: String) throws {
    #expect(try understand(text).sourceSHA != (try understand(Self.full).sourceSHA))
  }

  @Test func `Changed defaults leave the source's hash, and change the request's`() throws {
    let reader = PromptReader(.init(model: "m", agentName: "desk"))
    let bare = try understand("fox")
    let changed = try Understanding("fox").under(("", "model: other\naspect_ratio: 2:3\nextra: {seed: 1}")).result()
    #expect(changed.sourceSHA == bare.sourceSHA)
    #expect(changed.promptSHA == bare.promptSHA)
    #expect(reader.requestHash(changed.snapshot) != reader.requestHash(bare.snapshot))
    var flag = Understanding("fox")
    flag.model = "another"
    #expect(try flag.result().sourceSHA == bare.sourceSHA)
  }

  @Test func `The request's hash has everything that is sent`() throws {
    let reader = PromptReader(.init(model: "m", agentName: "desk"))
    let one = Snapshot(
      prompt: "fox", model: "m",
      images: [ImageInput(url: "https://i.example/a"), ImageInput(path: "b.png", sha256: "ab", bytes: 2)],
      aspectRatio: "1:1", imageSize: "1k", extra: ["seed": .integer(1)])
    let changes: [@Sendable (inout Snapshot) -> Void] = [
      { $0.prompt = "hare" }, { $0.model = "n" }, { $0.images.removeLast() }, { $0.images.swapAt(0, 1) },
      { $0.images[0] = ImageInput(url: "https://i.example/b") },
      { $0.images[1] = ImageInput(path: "b.png", sha256: "cd", bytes: 2) }, { $0.aspectRatio = "16:9" },
      { $0.aspectRatio = nil }, { $0.imageSize = "2k" }, { $0.imageSize = nil }, { $0.extra["seed"] = .integer(2) },
      { $0.extra["seed"] = .string("1") }, { $0.extra["more"] = .null }, { $0.extra = [:] },
      { $0.extra = ["seeds": .integer(1)] },
    ]
    let hashes = changes.map { change in
      var other = one
      change(&other)
      return reader.requestHash(other)
    }
    #expect(Set(hashes + [reader.requestHash(one)]).count == changes.count + 1)
  }

  @Test func `A renamed reference file is the same request`() {
    let reader = PromptReader(.init(model: "m", agentName: "desk"))
    let hashes = ["a.png", "b/c.png"].map { path in
      reader.requestHash(
        Snapshot(prompt: "fox", model: "m", images: [ImageInput(path: path, sha256: "ab", bytes: 2)]))
    }
    #expect(Set(hashes).count == 1)
    #expect(hashes.allSatisfy { $0.wholeMatch(of: /[0-9a-f]{64}/) != nil })
  }
}
