import ImageAPI
import JobCore
import SandboxServer
import TestKit
import Testing

/// Formats that nobody asked for, and pictures that are not quite right: what they are is told all the same.
@Suite struct OddPictureTests {
  private static let formats: [(String, ImageInfo.Format)] = [
    ("avif", .avif), ("gif", .gif), ("heic", .heic), ("jxl", .jxl), ("webp", .webp),
  ]

  private func fetch(_ faults: String...) async throws -> [UInt8] {
    try await ServiceFixture.run(sandbox: faults) { bench, _ in
      try #require(await bench.fetch(try await bench.firstResult()).bytes)
    }
  }

  private func glance(_ bytes: [UInt8]) -> ImageInfo? { bytes.withUnsafeBytes { ImageProbe.glance($0) } }

  @Test(arguments: formats) func `A real file of each format`(name: String, format: ImageInfo.Format) async throws {
    let bytes = try await fetch("image-format=\(name)")
    let info = ImageInfo(format: format, width: 32, height: 24)
    #expect(ProbeSamples.check(bytes) == .success(info))
    #expect(glance(bytes) == info)
    // A codestream of JPEG XL does not say where it ends; all others do.
    for count in 16..<bytes.count where format != .jxl {
      if case .success = ProbeSamples.check(Array(bytes[..<count])) { Issue.record("\(name) cut at \(count)") }
      #expect(glance(Array(bytes[..<count]))?.format == format)
    }
  }

  @Test func `A JPEG XL in boxes`() async throws {
    let stream = try await fetch("image-format=jxl")
    func box(_ type: String, _ content: [UInt8]) -> [UInt8] {
      ProbeSamples.big(content.count + 8, 4) + Array(type.utf8) + content
    }
    let head = box("JXL ", [0x0D, 0x0A, 0x87, 0x0A]) + box("ftyp", Array("jxl \0\0\0\0jxl ".utf8))
    let info = ImageInfo(format: .jxl, width: 32, height: 24)
    #expect(ProbeSamples.check(head + box("jxlc", stream)) == .success(info))
    #expect(ProbeSamples.check(head + box("jxlp", [0, 0, 0, 0] + stream)) == .success(info))
    #expect(ProbeSamples.check(head) == .failure(.truncated))
    let cut = Array((head + box("jxlc", stream)).dropLast())
    #expect(ProbeSamples.check(cut) == .failure(.truncated))
    #expect(glance(cut) == info)
  }

  @Test func `What is damaged tells its size`() async throws {
    let jpeg = try await fetch("image-jpeg", "image-cut=2")
    #expect(ProbeSamples.check(jpeg) == .failure(.truncated))
    #expect(glance(jpeg) == ImageInfo(format: .jpeg, width: 32, height: 32))
    let png = try await fetch("image-cut=12")
    #expect(ProbeSamples.check(png) == .failure(.truncated))
    #expect(glance(png) == ImageInfo(format: .png, width: 24, height: 24))
    let webp = try await fetch("image-format=webp-odd-size")
    #expect(ProbeSamples.check(webp) == .failure(.truncated))
    #expect(glance(webp) == ImageInfo(format: .webp, width: 32, height: 24))
    #expect(
      glance(Array("\u{89}PNG\r\n\u{1A}\n".unicodeScalars.map { UInt8($0.value) }))
        == ImageInfo(format: .png, width: 0, height: 0))
    #expect(glance(Array("<html>".utf8)) == nil)
  }

  /// Whatever the bytes, the answer is one.
  @Test(arguments: SplitMix64.seeds(4)) func `Any bytes`(seed: UInt64) async throws {
    var random = SplitMix64(seed: seed)
    for (name, _) in Self.formats {
      let whole = try await fetch("image-format=\(name)")
      for _ in 0..<300 {
        var bytes = whole
        for _ in 0..<Int.random(in: 1...8, using: &random) {
          bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        _ = ProbeSamples.check(bytes)
        _ = glance(bytes)
      }
    }
  }
}
