import JobCore
import PromptFile
import Testing

/// The fields whose values the service has listed.
@Suite struct ListedValuesTests {
  @Test(arguments: [
    ("aspect_ratio", "AUTO", "auto"), ("aspect_ratio", "21:9", "21:9"), ("aspect_ratio", "'5:4'", "5:4"),
    ("image_size", "4K", "4k"), ("image_size", "1k", "1k"),
  ])
  func `Case makes no difference, and the canonical spelling is sent`(key: String, value: String, sent: String) throws {
    let own = try understand("---\n\(key): \(value)\n---\nfox")
    let folder = try Understanding("fox").under(("a", "\(key): \(value)")).result()
    for request in [own, folder] {
      #expect((request.snapshot.aspectRatio ?? request.snapshot.imageSize) == sent && request.doubts.isEmpty)
    }
  }

  @Test(arguments: [
    ("aspect_ratio", "17:9", "21:9"), ("aspect_ratio", "9:21", "auto"), ("aspect_ratio", "01:1", "1:1"),
    ("image_size", "9k", "4k"), ("image_size", "8K", "1k"),
  ])
  func `Another value is an error that names the ones there are`(key: String, value: String, named: String) throws {
    let own = try understand("---\n\(key): \(value)\n---\nfox")
    let folder = try Understanding("fox").under(("a", "model: m"), ("", "\(key): \(value)")).result()
    for (request, prefix) in [(own, "front-matter"), (folder, "folder-defaults")] {
      guard case .wrong(let error)? = request.doubts.first else {
        Issue.record("\(value) is taken for \(key)")
        continue
      }
      #expect(error.code == "\(prefix)-bad-value" && error.isPresentable && !error.retryable)
      #expect(error.message.contains("\"\(key)\"") && error.message.contains(value))
      #expect(error.message.contains(named) && error.hint?.contains("extra") == true, "\(error)")
    }
    // Front matter that says better does not make the folder's file right.
    let better = try Understanding("---\n\(key): \(named)\n---\nfox").under(("", "\(key): \(value)")).result()
    #expect(!better.doubts.isEmpty)
  }

  @Test func `A value that never was one is refused at once`() throws {
    #expect(try refusal("---\naspect_ratio: wide\n---\nfox").message.contains("16:9"))
    #expect(try refusal("---\nimage_size: [4k]\n---\nfox").message.contains("1k, 2k, 4k"))
  }

  @Test func `Extra carries what the service has not listed`() throws {
    let request = try understand("---\nextra: {aspect_ratio: 17:9, image_size: 9K}\n---\nfox")
    #expect(request.doubts.isEmpty && request.snapshot.aspectRatio == nil && request.snapshot.imageSize == nil)
    #expect(request.snapshot.extra == ["aspect_ratio": .string("17:9"), "image_size": .string("9K")])
    #expect(request.snapshot.sentSize == "9k", "what it costs goes by the size that is sent")
  }

  @Test func `A field is sent once, as the nearest place says`() throws {
    let front = try Understanding("---\nextra: {aspect_ratio: 17:9}\n---\nfox").under(("", "aspect_ratio: 1:1"))
      .result()
    #expect(front.snapshot.aspectRatio == nil && front.snapshot.extra == ["aspect_ratio": .string("17:9")])
    let folder = try Understanding("---\nimage_size: 2k\n---\nfox").under(
      ("", "extra: {image_size: 9k, seed: 1}")
    ).result()
    #expect(folder.snapshot.imageSize == "2k" && folder.snapshot.extra == ["seed": .integer(1)])
    let near = try Understanding("fox").under(
      ("a", "extra: {image_size: 9k}"), ("", "image_size: 4k\naspect_ratio: 3:2")
    ).result()
    #expect(near.snapshot.imageSize == nil && near.snapshot.aspectRatio == "3:2")
    #expect(near.snapshot.extra == ["image_size": .string("9k")])
  }

  @Test(arguments: ["aspect_ratio: 1:1", "image_size: 1k"])
  func `One place does not say it twice`(line: String) throws {
    let name = line.split(separator: ":")[0]
    for text in ["\(line)\nextra: {\(name): x}", "extra: {\(name): x}\n\(line)"] {
      #expect(try refusal("---\n\(text)\n---\nfox").code == "front-matter-reserved-field")
      #expect(try Understanding("fox").under(("a", text)).refusal().code == "folder-defaults-reserved-field")
    }
  }
}
