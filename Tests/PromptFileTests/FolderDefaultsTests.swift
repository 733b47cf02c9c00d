import JobCore
import PromptFile
import Testing

@Suite struct FolderDefaultsTests {
  @Test func `The nearest wins, key by key, and the front matter over all`() throws {
    let request = try Understanding("---\nimage_size: 1k\n---\nfox").at("a/b/cat.prompt").under(
      ("a/b", "model: near\nextra: {a: 1}"),
      ("a", "model: middle\naspect_ratio: 3:2\nextra: {b: 2}\nimage_size: 2k\ncount: 2"),
      ("", "model: far\naspect_ratio: 1:1\ncount: 3\nhold: true\nrequire_images: true\nimage_size: 4k")
    ).result()
    #expect(
      request.snapshot
        == Snapshot(prompt: "fox", model: "near", aspectRatio: "3:2", imageSize: "1k", extra: ["a": .integer(1)]))
    #expect(request.count == 2 && request.hold && request.requireImages)
  }

  @Test func `A near false is said, not missing`() throws {
    let request = try Understanding("fox").under(("a", "hold: false"), ("", "hold: true")).result()
    #expect(!request.hold)
    let own = try Understanding("---\nhold: false\ncount: 1\n---\nfox").under(("", "hold: true\ncount: 4")).result()
    #expect(!own.hold && own.count == 1)
  }

  @Test(arguments: ["", "# nothing yet\n", "---\n", "---\n{}\n", "\u{FEFF}", "\r\n"])
  func `Empty defaults say nothing`(yaml: String) throws {
    #expect(try Understanding("fox").under(("", yaml)).result() == (try understand("fox")))
  }

  @Test(arguments: ["\u{FEFF}model: m\r\naspect_ratio: 16:9\r\n", "---\nmodel: m\naspect_ratio: 16:9\n...\n"])
  func `Marks and line ends make no difference`(yaml: String) throws {
    let snapshot = try Understanding("fox").under(("", yaml)).result().snapshot
    #expect(snapshot == Snapshot(prompt: "fox", model: "m", aspectRatio: "16:9"))
  }

  @Test(arguments: ["modell", "images", "api_key", "api_url", "callback_url", "hooks", "excludes"])
  func `An unknown key is refused, and says where it stands`(key: String) throws {
    let error = try Understanding("fox").under(("a", "model: m\n\(key): x")).refusal()
    #expect(error.code == "folder-defaults-unknown-key")
    #expect(error.message.contains("a/.promptdrop.yaml"))
    #expect(error.message.contains("\"\(key)\""))
    for known in ["model", "owner", "exclude", "aspect_ratio", "image_size", "count", "hold", "extra"] {
      #expect(error.hint?.contains(known) == true)
    }
  }

  @Test(arguments: [
    ("count: x", "folder-defaults-bad-value"), ("owner: [a]", "folder-defaults-bad-value"),
    ("exclude: {a: b}", "folder-defaults-bad-value"), ("[a]", "folder-defaults-invalid"),
    ("model: [", "folder-defaults-invalid"), ("model: a\nmodel: b", "folder-defaults-duplicate-key"),
    ("model: a\n---\nmodel: b", "folder-defaults-invalid"),
  ])
  func `Wrong defaults are refused`(yaml: String, code: ErrorCode) throws {
    #expect(try Understanding("fox").under(("a", yaml)).refusal().code == code)
    #expect(try Understanding("fox").under(("a", "model: m"), ("", yaml)).refusal().code == code)
  }

  @Test func `Defaults that are not UTF-8 are refused by their name`() throws {
    var understanding = Understanding("fox")
    understanding.defaults = [("a", [0xFF, 0xFE, 0x61, 0x00])]
    let error = try understanding.refusal()
    #expect(error.code == "not-utf8")
    #expect(error.message.contains("a/.promptdrop.yaml"))
  }

  @Test func `Whose name an owner is`() {
    let reader = PromptReader(.init(model: "", agentName: "desk", isMine: { $0 == "0123456789abcdef" }))
    for own in ["desk", "0123456789abcdef", "desk@0123456789abcdef", "any@thing@0123456789abcdef"] {
      #expect(reader.whose(own) == .own, "\(own)")
    }
    for other in ["studio", "Desk", "desk2", "fedcba9876543210", "studio@fedcba9876543210", "desk@x@y", "@desk", ""] {
      #expect(reader.whose(other) == .other, "\(other)")
    }
    for namesake in ["desk@fedcba9876543210", "desk@"] { #expect(reader.whose(namesake) == .namesake, "\(namesake)") }
  }

  @Test func `The nearest owner counts, whatever else is wrong`() {
    let reader = PromptReader(.init(model: "", agentName: "desk"))
    func owner(_ texts: String...) -> String? { reader.owner(texts.map { Array($0.utf8) }) }
    #expect(owner("model: x", "owner: studio", "owner: desk") == "studio")
    #expect(owner("colour: red\ncount: many\nowner: studio") == "studio")
    #expect(owner("model: x") == nil && owner() == nil && owner("owner: [a]") == nil)
  }

  @Test func `An owner is this agent or another`() throws {
    #expect(try Understanding("fox").under(("", "owner: desk")).result().snapshot.owner == "desk")
    let error = try Understanding("fox").under(("", "owner: studio")).refusal()
    #expect(error.code == "other-owner")
    #expect(error.message.contains("studio") && error.message.contains("desk"))
    #expect(
      try Understanding("fox").under(("a", "owner: desk"), ("", "owner: studio")).result().snapshot.owner == "desk")
    #expect(try Understanding("fox").under(("a", "owner: studio"), ("", "owner: desk")).refusal().code == "other-owner")
  }

  @Test func `What another agent owns is not complained about`() throws {
    #expect(try Understanding("---\nfox").under(("", "owner: studio")).refusal().code == "other-owner")
    #expect(try Understanding(bytes: [0xFF]).under(("", "owner: studio")).refusal().code == "other-owner")
  }

  @Test(arguments: [
    ("a", "drafts", "a/drafts/cat.prompt"), ("a", "drafts/", "a/drafts/x/cat.prompt"),
    ("a", "*.prompt", "a/cat.prompt"),
    ("a", "/cat.prompt", "a/cat.prompt"), ("a", "x/cat.*", "a/x/cat.prompt"), ("", "a", "a/cat.prompt"),
    ("", "/a", "a/b/cat.prompt"), ("a", "[c]at.prompt", "a/b/cat.prompt"), ("a", "c?t.prompt", "a/cat.prompt"),
  ])
  func `A pattern leaves files out`(folder: String, pattern: String, path: String) throws {
    let error = try Understanding("fox").at(path).under((folder, "exclude: '\(pattern)'")).refusal()
    #expect(error.code == "excluded")
  }

  @Test(arguments: [
    ("a", "a", "a/cat.prompt"), ("a", "/a/cat.prompt", "a/cat.prompt"), ("a", "/cat.prompt", "a/b/cat.prompt"),
    ("a", "x/cat.prompt", "a/b/x/cat.prompt"), ("a", "CAT.prompt", "a/cat.prompt"), ("a", "*.png", "a/cat.prompt"),
    ("", "/cat.prompt", "a/cat.prompt"), ("a", "cat", "a/cat.prompt"),
  ])
  func `A pattern is relative to the folder that says it`(folder: String, pattern: String, path: String) throws {
    let request = try Understanding("fox").at(path).under((folder, "exclude: ['none', '\(pattern)']")).result()
    #expect(request.snapshot.prompt == "fox")
  }

  @Test func `A nearer exclude lifts a farther one only where it says so`() throws {
    let understanding = Understanding("fox").under(("a", "exclude: none"), ("", "exclude: cat.prompt"))
    #expect(try understanding.refusal().code == "excluded")
    let lifted = Understanding("fox").under(("a", "exclude: '!cat.prompt'"), ("", "exclude: cat.prompt"))
    #expect(try lifted.result().snapshot.prompt == "fox")
    let within = Understanding("fox").under(("a", "exclude: '!cat.prompt'"), ("", "exclude: a/"))
    #expect(try within.refusal().code == "excluded", "what is in a folder that is left out stays out")
  }

  @Test func `A folder's patterns do not lift the configuration's`() throws {
    var understanding = Understanding("fox").under(("a", "exclude: '!cat.prompt'"))
    understanding.exclude = ["cat.prompt"]
    #expect(try understanding.refusal().code == "excluded")
  }

  @Test func `A pattern that can never match is reported with its file`() throws {
    let error = try Understanding("fox").under(("a", "exclude: ['{a,b}']"), ("", "exclude: other")).refusal()
    #expect(error.code == ErrorCode.badExclude && error.retryable)
    #expect(error.message.contains("a/.promptdrop.yaml") && error.message.contains("{a,b}"))
    // What belongs to another agent is none of our business.
    let foreign = Understanding("fox").under(("a", "exclude: ['{a,b}']"), ("", "owner: studio"))
    #expect(try foreign.refusal().code == "other-owner")
  }

  @Test func `The configuration's patterns are relative to the root`() throws {
    var understanding = Understanding("fox").at("a/b/cat.prompt")
    understanding.exclude = ["/b", "x"]
    #expect(try understanding.result().snapshot.prompt == "fox")
    understanding.exclude = ["x", "/a/b"]
    #expect(try understanding.refusal().code == "excluded")
  }
}
