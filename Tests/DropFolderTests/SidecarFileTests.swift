import Foundation
import JobCore
import Synchronization
import TestKit
import Testing

@testable import DropFolder

/// The head of a sidecar of promptdrop's.
let oursSample = Array("{\"schema\":\"promptdrop.status/1\",\"state\":\"queued\"}\n".utf8)

/// Sidecars on the disk: whole, replaced at once, and never in the place of what is somebody else's.
@Suite struct SidecarFileTests {
  private let bench: FilesFixture
  private let cat: FileKey

  init() throws {
    bench = try FilesFixture()
    try bench.write("a/cat.prompt", "A cat")
    cat = bench.key("a/cat.prompt")
  }

  private func text(_ addition: String) -> [UInt8] { oursSample + Array(addition.utf8) }

  @Test(arguments: [true, false]) func writtenReadReplacedRemoved(_ durable: Bool) async throws {
    #expect(try await bench.files.sidecar(of: cat) == nil)
    try await bench.files.writeSidecar(text("1"), of: cat, durable: durable)
    #expect(try bench.list("a") == ["cat.prompt", "cat.status.json"])
    #expect(try await bench.files.sidecar(of: cat) == text("1"))
    try await bench.files.writeSidecar(text("2, longer"), of: cat, durable: durable)
    try await bench.files.writeSidecar(text("3"), of: cat, durable: durable)
    #expect(try await bench.files.sidecar(of: cat) == text("3"))
    #expect(try bench.list("a") == ["cat.prompt", "cat.status.json"], "no temporary stays")
    try await bench.files.removeSidecar(of: cat)
    #expect(try bench.list("a") == ["cat.prompt"])
    try await bench.files.removeSidecar(of: cat)
  }

  @Test func aReaderNeverSeesAHalf() async throws {
    try await bench.files.writeSidecar(text("0"), of: cat, durable: false)
    let path = bench.path("a/cat.status.json")
    let halves = Atomic<Int>(0)
    let whole = Atomic<Int>(0)
    let reader = Busy {
      let bytes = (try? Data(contentsOf: URL(fileURLWithPath: path))).map { Array($0) } ?? []
      let isWhole = StatusSidecar.isOurs(bytes) && (bytes.last == UInt8(ascii: ".") || bytes.last == UInt8(ascii: "0"))
      if isWhole {
        whole.wrappingAdd(1, ordering: .relaxed)
      } else {
        halves.wrappingAdd(1, ordering: .relaxed)
      }
    }
    defer { reader.stop() }
    try await eventually("the reader reads") { whole.load(ordering: .relaxed) > 0 }
    for number in 1...300 {
      let long = String(repeating: "x", count: number * 50) + "."
      try await bench.files.writeSidecar(text(long), of: cat, durable: false)
    }
    #expect(halves.load(ordering: .relaxed) == 0)
  }

  @Test(arguments: ["{\"state\":\"done\"}", " ", "promptdrop.status/1"])
  func somebodysFileIsLeftAlone(_ foreign: String) async throws {
    try bench.write("a/cat.status.json", foreign)
    #expect(try await bench.files.sidecar(of: cat) == nil)
    try await bench.files.writeSidecar(text("1"), of: cat, durable: true)
    #expect(try bench.read("a/cat.status.json") == foreign)
    #expect(try await bench.files.sidecar(of: cat) == text("1"))
    try await bench.files.writeSidecar(text("2"), of: cat, durable: true)
    #expect(try bench.place.bytes("root/a/cat.promptdrop.status.json") == text("2"))
    try await bench.files.removeSidecar(of: cat)
    #expect(try bench.list("a") == ["cat.prompt", "cat.status.json"])
    #expect(try bench.read("a/cat.status.json") == foreign)
  }

  // This process knows nothing of it: its name is taken for free until the rename.
  @Test(arguments: [true, false]) func anEarlierRunsIsReplaced(_ durable: Bool) async throws {
    try bench.write("a/cat.status.json", String(decoding: text("0"), as: UTF8.self))
    try await bench.files.writeSidecar(text("1"), of: cat, durable: durable)
    #expect(try bench.place.bytes("root/a/cat.status.json") == text("1"))
    #expect(try bench.list("a") == ["cat.prompt", "cat.status.json"], "no temporary stays")
  }

  // Some file systems leave a name with no bytes after a power cut: nobody's content is lost with it.
  @Test func anEmptyFileIsNobodys() async throws {
    try bench.write("a/cat.status.json", "")
    #expect(try await bench.files.sidecar(of: cat) == nil)
    try await bench.files.writeSidecar(text("1"), of: cat, durable: true)
    #expect(try bench.place.bytes("root/a/cat.status.json") == text("1"))
    #expect(try bench.list("a") == ["cat.prompt", "cat.status.json"])
  }

  @Test func bothNamesTaken() async throws {
    try bench.write("a/cat.status.json", "mine")
    try bench.place.makeFolder("root/a/cat.promptdrop.status.json")
    let thrown = try await trouble("both are taken") { () async throws(LocalTrouble) in
      try await bench.files.writeSidecar(text("1"), of: cat, durable: true)
    }
    #expect(thrown.error.code == "sidecar-name-taken")
    #expect(!thrown.isFatal)
    #expect(try bench.list("a") == ["cat.prompt", "cat.promptdrop.status.json", "cat.status.json"])
    try await bench.files.removeSidecar(of: cat)
    #expect(try bench.list("a").count == 3)
  }

  @Test func aNameTooLongIsReportedAsThat() async throws {
    let name = String(repeating: "n", count: 248) + ".prompt"
    try bench.write("a/\(name)", "A cat")
    let thrown = try await trouble("the sidecar's name has 260 bytes") { () async throws(LocalTrouble) in
      try await bench.files.writeSidecar(text("1"), of: bench.key("a/\(name)"), durable: true)
    }
    #expect(thrown.error.code == "name-too-long")
  }

  @Test func aFIFOInThePlaceBlocksNobody() async throws {
    #expect(mkfifo(bench.path("a/cat.status.json"), 0o644) == 0)
    try await bench.files.writeSidecar(text("1"), of: cat, durable: true)
    #expect(try await bench.files.sidecar(of: cat) == text("1"))
  }

  @Test func aFolderThatIsGone() async throws {
    let lost = bench.key("gone/cat.prompt")
    let thrown = try await trouble("write") { () async throws(LocalTrouble) in
      try await bench.files.writeSidecar(text("1"), of: lost, durable: true)
    }
    #expect(thrown.error.code == "folder-gone")
    #expect(!thrown.isFatal)
    #expect(try await bench.files.sidecar(of: lost) == nil)
  }

  @Test func conflictCopiesHaveSidecarsToo() async throws {
    let name = "cat.sync-conflict-20260131-101500-ABCDEFG"
    try await bench.files.writeSidecar(text("1"), of: bench.key("a/\(name).prompt"), durable: false)
    #expect(try bench.list("a").contains("\(name).status.json"))
  }

  @Test func manyAtOnce() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<100 {
        group.addTask {
          let key = bench.key("a/\(number % 10).prompt")
          try await bench.files.writeSidecar(text("\(number)"), of: key, durable: true)
        }
      }
      try await group.waitForAll()
    }
    #expect(try bench.list("a") == (["cat.prompt"] + (0..<10).map { "\($0).status.json" }).sorted())
  }
}
