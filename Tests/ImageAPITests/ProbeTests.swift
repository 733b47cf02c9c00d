import ImageAPI
import JobCore
import SandboxServer
import TestKit
import Testing

@Suite struct ProbeTests {
  private typealias Samples = ProbeSamples

  private static let wholes: [(name: String, bytes: [UInt8])] = [
    ("png", Samples.png()), ("baseline", Samples.baseline()), ("progressive", Samples.progressive()),
    ("lossy", Samples.lossy(7, 8)), ("lossless", Samples.lossless(7, 8)), ("extended", Samples.extended(7, 8)),
  ]

  private func isSuccess(_ bytes: [UInt8]) -> Bool { if case .success = Samples.check(bytes) { true } else { false } }

  @Test(arguments: [(1, 1), (3, 4), (4096, 2304), (16_383, 16_383)])
  func `Format and size come from the bytes`(width: Int, height: Int) {
    let images: [(ImageInfo.Format, [UInt8])] = [
      (.png, Samples.png(width, height)), (.jpeg, Samples.baseline(width, height)),
      (.jpeg, Samples.progressive(width, height)), (.webp, Samples.lossy(width, height)),
      (.webp, Samples.lossless(width, height)), (.webp, Samples.extended(width, height)),
    ]
    for (format, bytes) in images {
      #expect(Samples.check(bytes) == .success(ImageInfo(format: format, width: width, height: height)))
    }
  }

  @Test(arguments: [(65_535, 1), (1, 65_535), (65_535, 15_258), (31_622, 31_622)])
  func `Large, and still believable`(width: Int, height: Int) {
    #expect(isSuccess(Samples.png(width, height)) && isSuccess(Samples.baseline(width, height)))
  }

  @Test(arguments: [
    (100_000, 100_000), (65_536, 1), (1, 65_536), (65_535, 15_260), (0x7FFF_FFFF, 0x7FFF_FFFF), (32_000, 32_000),
  ])
  func `More pixels than a picture has`(width: Int, height: Int) {
    guard case .failure(.malformed(let words)) = Samples.check(Samples.png(width, height)) else {
      Issue.record("\(Samples.check(Samples.png(width, height)))")
      return
    }
    #expect(words.contains("\(width) x \(height)"))
    if width <= 65_535, height <= 65_535 { #expect(!isSuccess(Samples.progressive(width, height))) }
  }

  @Test func `The largest WebP`() {
    #expect(
      Samples.check(Samples.lossless(16_384, 16_384))
        == .success(ImageInfo(format: .webp, width: 16_384, height: 16_384)))
    #expect(Samples.check(Samples.lossy(16_383, 1)) == .success(ImageInfo(format: .webp, width: 16_383, height: 1)))
    let scaled = Samples.lossy(0xC000 | 20, 0x4000 | 30)
    #expect(Samples.check(scaled) == .success(ImageInfo(format: .webp, width: 20, height: 30)))
  }

  @Test func `Every truncation is noticed`() {
    for (name, bytes) in Self.wholes {
      #expect(isSuccess(bytes), "\(name)")
      for count in 0..<bytes.count {
        if isSuccess(Array(bytes[..<count])) { Issue.record("\(name) cut at \(count) of \(bytes.count)") }
      }
    }
  }

  @Test(arguments: [[], ["image-jpeg"]])
  func `The sandbox's pictures, whole and cut anywhere`(faults: [String]) async throws {
    let bytes = try await ServiceFixture.run(sandbox: faults) { bench, _ in
      try #require(await bench.fetch(try await bench.firstResult()).bytes)
    }
    let size = faults.isEmpty ? 24 : 32
    #expect(
      Samples.check(bytes) == .success(ImageInfo(format: faults.isEmpty ? .png : .jpeg, width: size, height: size)))
    for count in 0..<bytes.count where isSuccess(Array(bytes[..<count])) {
      Issue.record("cut at \(count) of \(bytes.count)")
    }
  }

  @Test(arguments: ["image-short", "image-html"])
  func `The sandbox's half pictures and pages are noticed`(fault: String) async throws {
    let bytes = try await ServiceFixture.run(sandbox: [fault]) { bench, _ in
      try #require(await bench.fetch(try await bench.firstResult()).bytes)
    }
    #expect(Samples.check(bytes) == .failure(fault == "image-html" ? .unknownFormat : .truncated))
  }

  @Test(arguments: [
    "", "<html>", "GIF", "BM", "RIFF\u{4}\0\0\0WAVE", "\0\0\0\u{18}ftypisom\0\0\0\0", "%PDF", "II*\0", "\u{7F}",
  ])
  func `Anything else is unknown`(text: String) {
    #expect(Samples.check(Array(text.utf8)) == .failure(.unknownFormat))
  }

  @Test func `A truncated one says so`() {
    #expect(Samples.check(Array(Samples.png().dropLast())) == .failure(.truncated))
    #expect(Samples.check(Array(Samples.baseline().dropLast(2))) == .failure(.truncated))
    #expect(Samples.check(Array(Samples.lossy(7, 8).dropLast())) == .failure(.truncated))
  }

  @Test func `What makes no sense is malformed`() {
    let whole = Samples.chunk("IDAT", [1])
    let end = Samples.chunk("IEND")
    let cases: [String: [UInt8]] = [
      "PNG without pixels": Samples.png(0, 4), "PNG of impossible size": Samples.png(0x8000_0000, 4),
      "PNG without data": Samples.signature + Samples.chunk("IHDR", Samples.header(3, 4)) + end,
      "PNG without a header": Samples.signature + whole + end,
      "PNG with a short header": Samples.signature + Samples.chunk("IHDR", [0, 0, 0, 1]) + whole + end,
      "JPEG without pixels": Samples.baseline(0, 6),
      "JPEG without a frame": Samples.start + Samples.scan + [1] + Samples.end,
      "JPEG without a scan": Samples.start + Samples.frame(0xC0, 5, 6) + Samples.end,
      "JPEG with nothing": Samples.start + Samples.end + [0, 0],
      "WebP without pixels": Samples.lossy(0, 8),
      "WebP without a start code": Samples.riff(Samples.part("VP8 ", [0x10, 0, 0, 1, 1, 1, 7, 0, 8, 0, 1, 2])),
      "WebP without a lossless signature": Samples.riff(Samples.part("VP8L", [0, 1, 0, 0, 0, 1, 2, 3, 4])),
      "WebP with a canvas and no picture": Samples.riff(Samples.canvas(7, 8)),
      "WebP of an unknown part": Samples.riff(Samples.part("XXXX", [UInt8](repeating: 0, count: 20))),
    ]
    for (name, bytes) in cases {
      let result = Samples.check(bytes)
      if case .success = result { Issue.record("\(name): \(result)") }
    }
  }

  @Test func `Bytes after the end do no harm`() {
    for (name, bytes) in Self.wholes {
      #expect(Samples.check(bytes + [0, 1, 2, 3]) == Samples.check(bytes), "\(name)")
    }
  }

  @Test(arguments: SplitMix64.seeds())
  func `Damage never crashes, and never makes a size that is none`(seed: UInt64) async {
    var random = SplitMix64(seed: seed)
    for round in 0..<6000 {
      if round % 100 == 0 { await Task.yield() }
      var bytes = random.one(of: Self.wholes).bytes
      for _ in 0...Int.random(in: 0..<4, using: &random) where !bytes.isEmpty {
        let at = Int.random(in: bytes.indices, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[at] = random.one(of: [0, 0xFF, 0x7F, 0x80])
        case 2: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1..<5, using: &random)))
        default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: at)
        }
      }
      if case .success(let info) = Samples.check(bytes), info.width < 1 || info.height < 1 {
        Issue.record("seed \(seed), round \(round): \(info)")
      }
    }
  }

  @Test(arguments: SplitMix64.seeds())
  func `Random bytes behind a good beginning never crash`(seed: UInt64) async {
    var random = SplitMix64(seed: seed)
    let beginnings = [
      Samples.signature, Samples.start + [0xFF], Samples.signature + [0, 0, 0, 13] + Array("IHDR".utf8),
      Array("RIFF".utf8) + [1, 0, 0, 0] + Array("WEBPVP8X".utf8),
      Array("RIFF".utf8) + [1, 0, 0, 0] + Array("WEBPVP8L".utf8),
      Array("RIFF".utf8) + [0, 0, 0, 0] + Array("WEBPVP8 ".utf8),
    ]
    for round in 0..<6000 {
      if round % 100 == 0 { await Task.yield() }
      let rest = (0..<Int.random(in: 0..<40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      _ = Samples.check(random.one(of: beginnings) + rest)
    }
  }
}
