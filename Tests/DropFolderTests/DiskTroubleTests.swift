import Foundation
import JobCore
import TestKit
import Testing

@testable import DropFolder

/// Real trouble of real disks: full, and read-only.
@Suite(.enabled(if: SmallDisk.isPossible, SmallDisk.why)) struct DiskTroubleTests {
  @Test func aFullDisk() async throws {
    try await SmallDisk.with(size: "2m") { place, _ in
      let bench = try FilesFixture(place, root: "disk/root")
      let cat = bench.key("cat.prompt")
      try bench.write("cat.prompt", "A cat")
      try await bench.files.writeSidecar(oursSample, of: cat, durable: true)
      try place.write("disk/ballast", bytes: Array(repeating: 1, count: 1_900_000))
      let before = try bench.list()
      for size in [500_000, 1_900_000] {
        let staged = try await bench.files.stage(beside: cat)
        let thrown = try await trouble("\(size) bytes") { () async throws(LocalTrouble) in
          try await staged.append(sample(size))
          return try await staged.finish()
        }
        #expect(thrown.error.code == "disk-full")
        #expect(thrown.error.retryable)
        #expect(!thrown.isFatal)
        await staged.discard()
        #expect(try bench.list() == before, "no half picture stays")
      }
      let long = oursSample + Array(repeating: 32, count: 300_000)
      let thrown = try await trouble("sidecar") { () async throws(LocalTrouble) in
        try await bench.files.writeSidecar(long, of: cat, durable: true)
      }
      #expect(thrown.error.code == "disk-full")
      #expect(try await bench.files.sidecar(of: cat) == oursSample, "the old one stays whole")
      #expect(try bench.list() == before)
      try place.remove("disk/ballast")
      try await bench.files.writeSidecar(long, of: cat, durable: true)
      #expect(try await bench.files.sidecar(of: cat) == long)
    }
  }

  @Test func aPictureThatDoesNotFitAtItsEndLeavesNothing() async throws {
    try await SmallDisk.with(size: "2m") { place, _ in
      let bench = try FilesFixture(place, root: "disk/root")
      let bytes = sample(2_500_000)
      let staged = try await bench.files.stage(beside: bench.key("cat.prompt"))
      try await staged.append(Array(bytes.prefix(1_600_000)))
      try await staged.append(Array(bytes.dropFirst(1_600_000)))
      let thrown = try await trouble("2.5 MB on 2 MiB") { () async throws(LocalTrouble) in try await staged.finish() }
      #expect(thrown.error.code == "disk-full")
      #expect(try bench.list().isEmpty, "a picture that could not be finished takes no room")
      await staged.discard()
      #expect(try bench.list().isEmpty)
    }
  }

  @Test func aReadOnlyDisk() async throws {
    try await SmallDisk.with(size: "1m") { place, disk in
      let bench = try FilesFixture(place, root: "disk/root")
      let cat = bench.key("cat.prompt")
      try bench.write("cat.prompt", "A cat")
      try bench.write("x.png", "x")
      try await bench.files.writeSidecar(oursSample, of: cat, durable: true)
      try await SmallDisk.run("/bin/mount", "-o", "remount,ro", disk)
      let troubles = [
        try await trouble("sidecar") { () async throws(LocalTrouble) in
          try await bench.files.writeSidecar(oursSample + [10], of: cat, durable: true)
        },
        try await trouble("picture") { () async throws(LocalTrouble) in
          let staged = try await bench.files.stage(beside: cat)
          try await staged.append(sample(10))
          return try await staged.finish()
        },
        try await trouble("rename") { () async throws(LocalTrouble) in
          try await bench.files.rename(Array("x.png".utf8), to: Array("y.png".utf8), beside: cat, durable: false)
        },
        try await trouble("removal") { () async throws(LocalTrouble) in try await bench.files.removeSidecar(of: cat) },
      ]
      #expect(troubles.map(\.error.code) == Array(repeating: "read-only", count: 4))
      #expect(!troubles.contains { $0.isFatal })
      #expect(try await bench.readOne("cat.prompt").promptBytes == Array("A cat".utf8))
      #expect(try await bench.files.sidecar(of: cat) == oursSample)
    }
  }
}
