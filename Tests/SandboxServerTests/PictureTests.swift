import Foundation
import SandboxServer
import Testing

struct PictureTests {
  @Test func samePromptSamePicture() async throws {
    func pictures() async throws -> [Data] {
      var all: [Data] = []
      try await Fixture.run { bench in
        for prompt in ["fox", "fox", "owl"] { all.append(try await bench.picture(prompt).body) }
      }
      return all
    }
    let first = try await pictures()
    #expect(Set(first).count == 3)
    #expect(try await pictures() == first)
  }

  @Test(
    arguments: [
      (nil, nil, [64, 64]), ("auto", "1k", [64, 64]), ("1:1", "2k", [128, 128]), ("16:9", nil, [85, 48]),
      ("9:16", nil, [48, 85]), ("21:9", "4k", [391, 168]), ("nonsense", "8k", [64, 64]),
    ] as [(String?, String?, [Int])])
  func shapes(ratio: String?, size: String?, expected: [Int]) async throws {
    let change: (inout SandboxOptions) -> Void = {
      $0.imageWidth = 64
      $0.imageHeight = 64
    }
    try await Fixture.run(options: change) { bench in
      var extra: [String: Any] = [:]
      extra["aspect_ratio"] = ratio
      extra["image_size"] = size
      let picture = try await bench.picture(extra: extra)
      #expect(pngSize(picture.body) == expected)
    }
  }

  @Test func neverLargerThanTheCap() async throws {
    let change: (inout SandboxOptions) -> Void = {
      $0.imageWidth = 512
      $0.imageHeight = 512
    }
    try await Fixture.run(options: change) { bench in
      let size = try #require(
        pngSize(try await bench.picture(extra: ["aspect_ratio": "16:9", "image_size": "4k"]).body))
      #expect(size == [1024, 576])
    }
  }

  @Test func poolGoesRound() async throws {
    try await Fixture.run(options: { $0.imagePool = 2 }) { bench in
      var bodies: [Data] = []
      for prompt in ["a", "b", "c"] { bodies.append(try await bench.picture(prompt).body) }
      #expect(bodies[0] == bodies[2] && bodies[0] != bodies[1])
      #expect(bodies.allSatisfy { (10_000...40_000).contains($0.count) && isWholePNG($0) })
    }
  }

  @Test func everyKindOfPictureFillsItsFrame() async throws {
    // Twelve seeds meet all compositions; tiny and lopsided frames are where edge arithmetic goes wrong.
    let change: (inout SandboxOptions) -> Void = {
      $0.imageWidth = 20
      $0.imageHeight = 20
    }
    try await Fixture.run(options: change) { bench in
      for index in 0..<12 {
        for ratio in ["1:1", "8:1", "1:8"] {
          let picture = try await bench.picture("seed \(index)", extra: ["aspect_ratio": ratio])
          #expect(isWholePNG(picture.body))
        }
      }
    }
  }
}
