import JobCore
import PromptFile
import Testing

@Suite struct FrontMatterTests {
  @Test func `Without front matter, the whole file is the prompt`() throws {
    let request = try understand("a red fox\nin the snow\n")
    #expect(request.snapshot == Snapshot(prompt: "a red fox\nin the snow", model: "google/gempix2"))
    #expect(request.images.isEmpty)
    #expect(request.count == 1 && !request.hold && !request.requireImages)
    #expect(request.listSHA == nil)
  }

  @Test func `Every key is understood`() throws {
    let request = try understand(
      """
      ---
      model: google/gemini-2.5-flash-image
      images:
        - https://images.example/a.png
        - b.png
      require_images: true
      aspect_ratio: 16:9
      image_size: 2k
      count: 3
      hold: true
      extra:
        seed: 7
      ---
      a red fox
      """)
    #expect(
      request.snapshot
        == Snapshot(
          prompt: "a red fox", model: "google/gemini-2.5-flash-image", aspectRatio: "16:9", imageSize: "2k",
          extra: ["seed": .integer(7)]))
    #expect(request.images == [.url("https://images.example/a.png"), .local(DropPath("a/b.png"))])
    #expect(request.count == 3 && request.hold && request.requireImages)
  }

  @Test(arguments: ["16:9", "1:1", "21:9", "auto", "9:16", "4:5"])
  func `An aspect ratio stays the text that it is, quoted or not`(ratio: String) throws {
    #expect(try understand("---\naspect_ratio: \(ratio)\n---\nfox").snapshot.aspectRatio == ratio)
    #expect(try understand("---\naspect_ratio: \"\(ratio)\"\n---\nfox").snapshot.aspectRatio == ratio)
    #expect(try understand("---\naspect_ratio: '\(ratio)' # wide\n---\nfox").snapshot.aspectRatio == ratio)
  }

  @Test func `The size's K is the service's k`() throws {
    #expect(try understand("---\nimage_size: 4K\n---\nfox").snapshot.imageSize == "4k")
  }

  @Test(arguments: [
    ("model", "[a]"), ("model", "{a: b}"), ("model", ""), ("model", "~"), ("model", "\"\""), ("model", "'  '"),
    ("aspect_ratio", "wide"), ("aspect_ratio", "[16, 9]"), ("aspect_ratio", "16/9"), ("aspect_ratio", "16:9:1"),
    ("aspect_ratio", "-1:1"), ("aspect_ratio", ""), ("aspect_ratio", "1.5"), ("aspect_ratio", "١٦:٩"),
    ("image_size", "2"), ("image_size", "large"), ("image_size", "2kk"), ("image_size", "null"),
    ("image_size", "٢k"), ("count", "0"), ("count", "-1"), ("count", "many"), ("count", "1.5"), ("count", "[1]"),
    ("count", "99999999999999999999"), ("count", ""), ("count", "17"), ("hold", "maybe"), ("hold", "[true]"),
    ("hold", "2"), ("hold", ""), ("require_images", "sometimes"), ("require_images", "{}"), ("images", "{a: b}"),
    ("images", "[[a.png]]"), ("images", "[~]"), ("images", ""), ("extra", "7"), ("extra", "[1, 2]"),
    ("extra", "words"), ("extra", ""),
  ])
  func `A value of another type is refused by the name of its key`(key: String, value: String) throws {
    let error = try refusal("---\n\(key): \(value)\n---\nfox")
    #expect(error.code == "front-matter-bad-value")
    #expect(error.message.contains("\"\(key)\""))
    #expect(error.hint?.contains(key) == true)
    #expect(!error.retryable)
  }

  @Test(arguments: [
    ("modell", "model"), ("aspect-ratio", "aspect_ratio"), ("Model", "model"), ("image", "images"),
    ("counts", "count"), ("imagesize", "image_size"), ("require_image", "require_images"), ("hodl", "hold"),
    ("modle", "model"), ("cuont", "count"), ("aspect_raito", "aspect_ratio"),
  ])
  func `An unknown key names the known ones and the one that was meant`(key: String, meant: String) throws {
    let error = try refusal("---\n\(key): x\n---\nfox")
    #expect(error.code == "front-matter-unknown-key")
    #expect(error.message.contains("\"\(key)\""))
    #expect(error.message.contains("\"\(meant)\""))
    for known in [
      "model", "images", "require_images", "aspect_ratio", "image_size", "count", "hold", "extra",
    ] {
      #expect(error.hint?.contains(known) == true)
    }
  }

  @Test(arguments: ["zebra", "owner", "exclude", "api_key", "callback_url", "base_url", "<<"])
  func `A key that is near to none is refused without a guess`(key: String) throws {
    let error = try refusal("---\n\(key): x\n---\nfox")
    #expect(error.code == "front-matter-unknown-key")
    #expect(!error.message.contains("Did you mean"))
  }

  @Test(arguments: [
    "\"mo\\ndel\"", "\"\\e[31mmodel\"", "\"a\\tb\"", "\"\\u202Emodel\"", String(repeating: "k", count: 900),
  ])
  func `A hostile key cannot forge a line of the message`(key: String) throws {
    let error = try refusal("---\n\(key): x\n---\nfox")
    #expect(error.code == "front-matter-unknown-key")
    #expect(!error.message.unicodeScalars.contains { $0.value < 32 || $0.value == 0x202E })
  }

  @Test(arguments: ["---\nmodel: a\nfox", "---", "---\n", "---\nfox\n--\n", "---\nfox\n----\n", "---\r\nfox\r\n"])
  func `Front matter without an end is refused`(text: String) throws {
    let error = try refusal(text)
    #expect(error.code == "front-matter-unclosed")
    #expect(error.hint?.contains("---") == true)
  }

  @Test(arguments: [
    "---\nmodel: a\nmodel: b\n---\nfox", "---\ncount: 1\ncount: 1\n---\nfox", "---\nmodel: a\n\"model\": b\n---\nfox",
  ])
  func `A doubled key is refused`(text: String) throws {
    #expect(try refusal(text).code == "front-matter-duplicate-key")
  }

  @Test(arguments: [
    "model: [a", "model: \"a", "\tmodel: a", "a: b: c", "- model", "just words", "[a, b]", "? [a]\n: b", "model: *a",
    "%YAML 9.9", "model: !!!", "7",
  ])
  func `What is no mapping is refused`(yaml: String) throws {
    #expect(try refusal("---\n\(yaml)\n---\nfox").code.rawValue.hasPrefix("front-matter-"))
  }

  @Test(arguments: ["---\n---\nfox", "---\n\n# nothing\n---\nfox", "---  \n--- \nfox"])
  func `Empty front matter says nothing`(text: String) throws {
    #expect(try understand(text).snapshot == Snapshot(prompt: "fox", model: "google/gempix2"))
  }

  @Test func `Only the first two lines of dashes count`() throws {
    #expect(try understand("---\ncount: 2\n---\nfox\n---\nhare\n---\n").snapshot.prompt == "fox\n---\nhare\n---")
    #expect(try understand("fox\n---\nmodel: x\n---").snapshot.prompt == "fox\n---\nmodel: x\n---")
    #expect(try understand("----\nfox").snapshot.prompt == "----\nfox")
    #expect(try understand("--- fox").snapshot.prompt == "--- fox")
  }

  @Test(arguments: ["\n", "\r\n\r\n", "  \n\t\n", "\u{FEFF}\n"])
  func `White space before the front matter does not turn it into words that are paid for`(space: String) throws {
    let request = try understand(space + "---\ncount: 2\n---\nfox")
    #expect(request.snapshot.prompt == "fox")
    #expect(request.count == 2)
  }
}
