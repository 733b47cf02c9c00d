import JobCore
import Testing

@testable import PromptFile

@Suite struct ExcludePatternTests {
  private func isLeftOut(_ path: String, by patterns: String...) throws -> Bool {
    ExcludeRules.place(that: DropPath(path), by: [try ExcludeRules(patterns, in: .root)]) != nil
  }

  @Test(arguments: [
    ("*.tmp", "x.tmp"), ("*.tmp", "a/b/x.tmp"), ("drafts", "drafts/x"), ("drafts", "a/drafts/x"),
    ("drafts/", "drafts/x"),
    ("drafts/", "a/drafts/b/x"), ("/drafts", "drafts/x"), ("/drafts/", "drafts/x"), ("a/b", "a/b"), ("a/b", "a/b/c/d"),
    ("a/*.x", "a/b.x"), ("a/*", "a/b/c"), ("*/c", "a/c"), ("*", "x"), ("[ab]", "b"), ("[!a]", "b"), ("[^a]", "b"),
    ("a\\*", "a*"), ("?", "x"), (".*", ".git/x"), ("größe*", "größe ü"), ("**/drafts", "drafts/x"),
    ("**/drafts/**", "drafts/x"), ("**/drafts/**", "a/b/drafts/c/x"), ("**/x", "x"), ("a/**/b", "a/b"),
    ("a/**/b", "a/x/y/b"), ("a/**", "a/b/c"), ("[[:digit:]]x", "1x"), ("[]]", "]"), ("[a-c]", "b"),
    ("#recycle", "#recycle/x"),
    ("{x}", "{x}"), ("\\{a,b\\}", "{a,b}"), ("[{]a,b", "{a,b"), ("\\!x", "!x"), ("\\#x", "#x"), ("x ", "x"),
    ("x\\ ", "x "),
    ("a\\\\b", "a\\b"), ("*.prompt", "cat.prompt"),
  ])
  func `Leaves out`(pattern: String, path: String) throws {
    #expect(try isLeftOut(path, by: pattern))
  }

  @Test(arguments: [
    ("*.tmp", "x.tmpx"), ("drafts", "draft/x"), ("drafts/", "drafts"), ("/drafts", "a/drafts/x"), ("a/b", "x/a/b"),
    ("a/b", "a/bc"), ("", "x"), ("   ", "x"), ("a\\*", "ab"), ("[!a]", "a"), ("A", "a"), ("?", "xy"), ("*/c", "a/b/c"),
    ("a/*.x", "a/b/c.x"), ("a?b", "a/b"), ("a[/]b", "a/b"), ("a/**", "a"), ("**/x/", "x"), ("a**/b", "a/x/b"),
    ("[a-]", "b"),
  ])
  func `Does not leave out`(pattern: String, path: String) throws {
    #expect(try !isLeftOut(path, by: pattern))
  }

  @Test func `The last one that matches decides, but for what is in a folder`() throws {
    #expect(try !isLeftOut("keep.prompt", by: "*.prompt", "!keep.prompt"))
    #expect(try isLeftOut("other.prompt", by: "*.prompt", "!keep.prompt"))
    #expect(try isLeftOut("keep.prompt", by: "!keep.prompt", "*.prompt"))
    #expect(try isLeftOut("drafts/keep.prompt", by: "drafts/", "!keep.prompt"), "what is in it stays out")
    #expect(try !isLeftOut("drafts/keep.prompt", by: "drafts/*", "!drafts/keep.prompt"))
  }

  @Test(arguments: [
    "drafts\\old", "C:\\Users\\ann", "C:/Users/ann", "{a,b}", "*.{tmp,bak}", "{a", "b}", "./drafts", "../x", "a/./b",
    "a/../b",
    "a//b", "//a", "/", "!", "!/", "[", "a[b", "[[:nope:]]", "a\\", "~/drafts", "/home/ann/drafts",
    "/mnt/nas/drafts/**",
    "!/tmp/drafts/x", "/srv/drop", "/srv/drop/", "/srv/drop/drafts",
  ])
  func `What can never match is an error that names the pattern`(pattern: String) throws {
    let error = try #require(throws: JobError.self) {
      try ExcludeRules(["fine", pattern], in: .root, root: Array("/srv/drop".utf8))
    }
    #expect(error.code == ErrorCode.badExclude && error.retryable && error.isPresentable, "\(error)")
    #expect(error.message.contains("\"\(pattern)\""), "\(error)")
    #expect(error.hint?.isEmpty == false)
  }

  @Test func `A path of the file system is reported as it has to be written`() throws {
    let error = try #require(throws: JobError.self) {
      try ExcludeRules(["/data1/drop/sub/drafts/*"], in: DropPath("sub"), root: Array("/data1/drop".utf8))
    }
    #expect(error.hint == "Write /drafts/*.")
  }

  @Test(arguments: ["/drafts", "/srv2/x", "/home", "/tmp/", "home/x", "**/home/x"])
  func `An anchored pattern is no path of the file system`(pattern: String) throws {
    _ = try ExcludeRules([pattern], in: .root, root: Array("/srv/drop".utf8))
  }

  @Test func `Bytes that are no UTF-8 do no harm`() throws {
    let rules = [try ExcludeRules(["a/*"], in: .root)]
    #expect(ExcludeRules.place(that: DropPath(bytes: Array("a/".utf8) + [0xFF, 0xFE]), by: rules) != nil)
    #expect(ExcludeRules.place(that: DropPath(bytes: [0xFF, 0x2F, 0x80]), by: rules) == nil)
  }

  @Test func `Many stars take no time`() throws {
    let name = String(repeating: "a", count: 250)
    let rules = [try ExcludeRules([String(repeating: "*a", count: 60) + "b"], in: .root)]
    let cost = cost { #expect(ExcludeRules.place(that: DropPath("x/\(name)/\(name)"), by: rules) == nil) }
    #expect(cost < .seconds(2))
  }
}

/// The rules of versions before, which are kept to compare with.
@Suite struct FormerExcludeTests {
  @Test(arguments: [
    ("*.tmp", "a/b/x.tmp"), ("drafts", "a/drafts/x"), ("/drafts", "drafts/x"), ("a/b", "a/b/c/d"), ("*/c", "a/b/c"),
    ("a/*.x", "a/b/c.x"), ("drafts/", "drafts"), ("[", "["), ("!x", "!x"), ("x/a?b/", "x/a/b"), ("{a,b}", "{a,b}"),
  ])
  func `Covered`(pattern: String, path: String) {
    #expect(FormerExclude(pattern).covers(DropPath(path)))
  }

  @Test(arguments: [
    ("**/drafts", "drafts/x"), ("./drafts", "drafts/x"), ("/drafts", "a/drafts/x"), ("", "x"), ("/", "x"),
    ("a/b", "x/a/b"),
  ])
  func `Did not cover`(pattern: String, path: String) {
    #expect(!FormerExclude(pattern).covers(DropPath(path)))
  }

  @Test func `The reader compares with the patterns of all places`() {
    let reader = PromptReader(.init(model: "m", agentName: "desk", exclude: ["old/*.prompt"]))
    func key(_ path: String) -> FileKey { FileKey(root: RootID(1), path: DropPath(path)) }
    let defaults = [
      (key("a/.promptdrop.yaml"), Array("exclude: ['x/*.prompt']".utf8)), (key(".promptdrop.yaml"), [0xFF]),
    ]
    #expect(reader.wasExcluded(key("old/b/cat.prompt"), defaults: []))
    #expect(reader.wasExcluded(key("a/x/y/cat.prompt"), defaults: defaults))
    #expect(!reader.wasExcluded(key("a/cat.prompt"), defaults: defaults))
  }
}
