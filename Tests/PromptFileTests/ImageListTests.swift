import JobCore
import PromptFile
import Testing

@Suite struct ImageListTests {
  @Test func `One image a line, comments and blank lines skipped`() throws {
    let list = "\u{FEFF}# references\r\n\r\n  https://images.example/a.png \r\n\tb c.png\n   # more\n#d.png\n../e#1.png"
    let request = try understand("fox", list: list)
    #expect(
      request.images == [
        .url("https://images.example/a.png"), .local(DropPath("a/b c.png")), .local(DropPath("e#1.png")),
      ])
  }

  @Test func `The list's hash is that of its entries in their order`() throws {
    let hash = try understand("fox", list: "a.png\nb.png").listSHA
    #expect(hash != nil)
    for same in ["a.png\r\nb.png\r\n", "# x\n\na.png\n\n  b.png\n", "\u{FEFF}a.png\rb.png", " a.png\t\n#\nb.png"] {
      #expect(try understand("fox", list: same).listSHA == hash, "\(same.debugDescription)")
    }
    for other in ["b.png\na.png", "a.png", "a.png\nb.png\nb.png", "a.pngb.png", "a.png b.png", "A.png\nb.png", ""] {
      #expect(try understand("fox", list: other).listSHA != hash, "\(other.debugDescription)")
    }
  }

  @Test func `An empty list is a list`() throws {
    let request = try understand("fox", list: "\n# none\n")
    #expect(request.listSHA != nil)
    #expect(request.images.isEmpty)
  }

  @Test func `The list is no part of the source's hash`() throws {
    let bare = try understand("fox")
    let listed = try understand("fox", list: "a.png")
    #expect(bare.sourceSHA == listed.sourceSHA)
    #expect(bare.promptSHA == listed.promptSHA)
  }

  @Test func `Front matter's images come first`() throws {
    let request = try understand("---\nimages: [one.png, https://i.example/2]\n---\nfox", list: "three.png\nfour.png")
    #expect(
      request.images == [
        .local(DropPath("a/one.png")), .url("https://i.example/2"), .local(DropPath("a/three.png")),
        .local(DropPath("a/four.png")),
      ])
  }

  @Test func `A single text counts as a list of one`() throws {
    #expect(try understand("---\nimages: b.png\n---\nfox").images == [.local(DropPath("a/b.png"))])
    #expect(try understand("---\nimages: []\n---\nfox").images.isEmpty)
  }

  @Test(arguments: [(0, 5), (5, 0), (2, 3), (4, 1), (1, 100)])
  func `Five images are refused`(inFrontMatter: Int, inList: Int) throws {
    let own = (0..<inFrontMatter).map { "o\($0).png" }.joined(separator: ", ")
    let list = (0..<inList).map { "l\($0).png" }.joined(separator: "\n")
    let error = try refusal("---\nimages: [\(own)]\n---\nfox", list: list)
    #expect(error.code == "too-many-images")
    #expect(error.message.contains("\(inFrontMatter + inList)"))
    #expect(error.hint?.contains("\(inFrontMatter + inList - 4)") == true)
  }

  @Test(arguments: [
    ("b.png", "a/b/b.png"), ("./b.png", "a/b/b.png"), ("../b.png", "a/b.png"), ("../../b.png", "b.png"),
    ("x/../b.png", "a/b/b.png"), ("../../c/./d//e.png", "c/d/e.png"), ("x/y/../../../../b.png", "b.png"),
    ("b:c.png", "a/b/b:c.png"), ("größe ü.png", "a/b/größe ü.png"), ("a\\b.png", "a/b/a\\b.png"),
    ("...png", "a/b/...png"), ("..a/b.png", "a/b/..a/b.png"),
  ])
  func `A path is relative to the file that names it, inside the root`(entry: String, path: String) throws {
    #expect(try Understanding("fox", list: entry).at("a/b/cat.prompt").result().images == [.local(DropPath(path))])
  }

  @Test(arguments: [
    "/etc/passwd", "//server/x.png", "../../x.png", "../../../etc/passwd", "../a/../../x.png", "..", "x/../../..",
    "b/../../..//x.png", "../..",
  ])
  func `What leaves the root is refused`(entry: String) throws {
    let error = try refusal("fox", list: entry)
    #expect(error.code == "image-outside-root")
    #expect(error.hint != nil)
    let quoted = try refusal("---\nimages: ['\(entry)']\n---\nfox")
    #expect(quoted.code == "image-outside-root")
  }

  @Test(arguments: [
    "file:///etc/passwd", "file:/etc/passwd", "file:x.png", "FILE:///etc/passwd", "file://localhost/etc/passwd",
    "data:image/png;base64,iVBORw0KGgo=", "data:,x", "data:image/png,x", "DATA:image/png;base64,AAAA",
    "data:text/plain;charset=utf-8,x", "ftp://host.example/x.png", "sftp://h.example/x", "s3://bucket/x.png",
    "javascript://x", "gopher://h.example/1",
  ])
  func `Any other scheme is refused`(entry: String) throws {
    #expect(try refusal("fox", list: entry).code == "image-bad-scheme")
  }

  @Test(arguments: ["http://", "https://", "https:///x.png", "https://i.example/a b.png", "http://i.example/\u{7F}"])
  func `An unusable URL is refused`(entry: String) throws {
    #expect(try refusal("fox", list: entry).code == "image-bad-url")
  }

  @Test(arguments: [
    "http://i.example/a.png", "https://i.example:8443/a?b=c,d;e#f", "HTTPS://I.example/A.png", "https://i.example",
    "https://i.example/a%20b.png", "https://i.example/../../x.png",
  ])
  func `A URL is passed on as it is`(entry: String) throws {
    #expect(try understand("fox", list: entry).images == [.url(entry)])
  }

  @Test func `A long hostile entry makes a short message`() throws {
    let error = try refusal("fox", list: "ftp://\u{202E}" + String(repeating: "x", count: 100_000))
    #expect(error.message.utf8.count < 1000)
    #expect(!error.message.unicodeScalars.contains("\u{202E}"))
  }
}
