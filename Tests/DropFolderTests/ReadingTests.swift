import Foundation
import JobCore
import Synchronization
import TestKit
import Testing

@testable import DropFolder

/// Reading what users put down: whatever it is, it is told, and nothing blocks.
@Suite(.timeLimit(.minutes(1))) struct ReadingTests {
  private let bench: FilesFixture

  init() throws { bench = try FilesFixture() }

  @Test func aPromptWithItsList() async throws {
    try bench.write("a/cat.prompt", "A cat")
    try bench.write("a/cat.images", "x.png\n")
    let reading = try await bench.readOne("a/cat.prompt")
    #expect(reading.promptBytes == Array("A cat".utf8))
    #expect(reading.listBytes == Array("x.png\n".utf8))
    var status = stat()
    #expect(stat(bench.path("a/cat.prompt"), &status) == 0)
    let stamp = try #require(reading.prompt.stamp)
    #expect(stamp.size == 5)
    #expect(stamp.inode == UInt64(status.st_ino))
    #expect(stamp.device == UInt64(status.st_dev))
    let seconds: Int64 = 1_000_000_000
    #expect(stamp.modified == Int64(status.st_mtim.tv_sec) * seconds + Int64(status.st_mtim.tv_nsec))
    #expect(stamp.changed == Int64(status.st_ctim.tv_sec) * seconds + Int64(status.st_ctim.tv_nsec))
    let age = try #require(reading.prompt.age)
    // The clock of change times may be finer than the one that ages are told by.
    #expect(age > .milliseconds(-100) && age < .seconds(60))
    #expect(await bench.files.look(bench.key("a/cat.prompt")).stamp == stamp)
  }

  @Test func whatIsMissing() async throws {
    try bench.write("file", "x")
    for path in ["cat.prompt", "no/cat.prompt", "file/cat.prompt"] {
      let reading = try await bench.readOne(path)
      #expect(reading.prompt == .missing, "\(path)")
      #expect(reading.promptBytes == nil)
      #expect(reading.list == .missing)
      #expect(await bench.files.look(bench.key(path)) == .missing)
    }
  }

  @Test(arguments: [0, 1, 4095, 65_535, 65_536, 65_537, 1_114_112, 3_000_001])
  func everySizeIsReadWhole(_ size: Int) async throws {
    let bytes = sample(max(size, 6)).prefix(size)
    try bench.place.write("root/x.prompt", bytes: Array(bytes))
    let whole = try #require(try await bench.readOne("x.prompt", limit: size).promptBytes, "just within the limit")
    #expect(isSame(whole, Array(bytes)))
    guard size > 0 else { return }
    let tooLarge = try await bench.readOne("x.prompt", limit: size - 1)
    #expect(tooLarge.promptBytes == nil)
    #expect(tooLarge.prompt.stamp?.size == Int64(size), "its size is told all the same")
  }

  @Test func manyAtOnceComeInOrder() async throws {
    var wanted: [SourceQuery] = []
    for number in 0..<200 {
      if number.isMultiple(of: 3) { try bench.write("\(number).prompt", "text \(number)") }
      wanted.append(SourceQuery(prompt: bench.key("\(number).prompt"), list: bench.key("\(number).images")))
    }
    let readings = await bench.files.readSources(wanted, limit: 1000)
    #expect(
      readings.map { $0.promptBytes.map { String(decoding: $0, as: UTF8.self) } }
        == (0..<200).map { $0.isMultiple(of: 3) ? "text \($0)" : nil })
    let room = readings.compactMap(\.promptBytes?.capacity).max() ?? 0
    #expect(room < 256, "whole batches wait in memory: \(room) bytes for a text of 8")
  }

  @Test func aFIFOBlocksNobody() async throws {
    #expect(mkfifo(bench.path("x.prompt"), 0o644) == 0)
    #expect(mkfifo(bench.path("x.images"), 0o644) == 0)
    let reading = try await bench.readOne("x.prompt")
    #expect(reading.prompt == .notAFile("a FIFO"))
    #expect(reading.list == .notAFile("a FIFO"))
    #expect(await bench.files.look(bench.key("x.prompt")) == .notAFile("a FIFO"))
    #expect(try await bench.files.digest(Array("x.prompt".utf8), beside: bench.key("y.prompt")) == nil)
    _ = await bench.files.readReference(bench.key("x.prompt"), limit: 10, evenIfOpen: false)
  }

  @Test func aFolderIsNoPrompt() async throws {
    try bench.place.makeFolder("root/x.prompt")
    #expect(try await bench.readOne("x.prompt").prompt == .notAFile("a folder"))
    #expect(await bench.files.look(bench.key("x.prompt")) == .notAFile("a folder"))
  }

  @Test func aSocketIsNoPrompt() async throws {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // Relative, because a socket's path is short.
    let path = "/proc/self/fd/\(bench.root.place?.descriptor ?? -1)/x.prompt"
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let bound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(bound == 0)
    guard case .notAFile = try await bench.readOne("x.prompt").prompt else {
      Issue.record("a socket was read")
      return
    }
  }

  @Test func hardLinksAreFiles() async throws {
    try bench.place.write("outside", "A cat")
    #expect(link(bench.place.path("outside"), bench.path("x.prompt")) == 0)
    #expect(try await bench.readOne("x.prompt").promptBytes == Array("A cat".utf8))
  }

  @Test(.enabled(if: geteuid() != 0, "root may read everything")) func unreadableFiles() async throws {
    try bench.write("x.prompt", "A cat")
    #expect(chmod(bench.path("x.prompt"), 0) == 0)
    guard case .unreadable(let error) = try await bench.readOne("x.prompt").prompt else {
      Issue.record("it was read")
      return
    }
    #expect(error.code == "no-permission")
  }

  @Test func aFileThatChangesUnderTheReadingIsNotTaken() async throws {
    // Every version is of one letter: a mixed one was read while it was written.
    let versions = [
      Array(repeating: UInt8(ascii: "a"), count: 500_000), Array(repeating: UInt8(ascii: "b"), count: 500_000),
    ]
    let bench = bench
    let turn = Atomic<Int>(0)
    try bench.place.write("root/x.prompt", bytes: versions[0])
    let writer = Busy {
      let next = turn.wrappingAdd(1, ordering: .relaxed).newValue
      _ = try? bench.place.write("root/x.prompt", bytes: versions[next % 2])
    }
    defer { writer.stop() }
    for _ in 0..<60 {
      let reading = try await bench.readOne("x.prompt", limit: 600_000)
      guard let bytes = reading.promptBytes else { continue }
      #expect(bytes.count == Int(reading.prompt.stamp?.size ?? -1))
      // Within a tick of the file system's clock only the age tells that it may have been changing: the older ones count.
      guard bytes.count == 500_000, let age = reading.prompt.age, age >= .milliseconds(50) else { continue }
      #expect(isSame(bytes, versions[0]) || isSame(bytes, versions[1]))
    }
  }

  @Test func defaultsComeNearestFirst() async throws {
    try bench.write(".promptdrop.yaml", "model: far")
    try bench.write("a/b/.promptdrop.yaml", "model: near")
    try bench.write("a/b/c/x", "")
    symbolicLink("/etc/passwd", at: bench.path("a/.promptdrop.yaml"))
    let found = await bench.files.folderDefaults(above: bench.key("a/b/c/cat.prompt"), limit: 100)
    #expect(
      found.map(\.0) == ["a/b/.promptdrop.yaml", "a/.promptdrop.yaml", ".promptdrop.yaml"].map { bench.key($0) })
    let texts = found.map { found in
      switch found.1 {
      case .success(let bytes): String(decoding: bytes, as: UTF8.self)
      case .failure(let trouble): trouble.error.code.rawValue
      }
    }
    #expect(texts == ["model: near", "folder-defaults-unreadable", "model: far"])
    let small = await bench.files.folderDefaults(above: bench.key("cat.prompt"), limit: 4)
    #expect(small.count == 1)
    guard case .failure? = small.first?.1 else {
      Issue.record("too large, and taken")
      return
    }
    let lost = await bench.files.folderDefaults(above: bench.key("gone/deep/cat.prompt"), limit: 100)
    #expect(lost.map(\.0) == [bench.key(".promptdrop.yaml")])
  }

  @Test func referenceImages() async throws {
    let bytes = sample(100)
    try bench.place.write("root/a/ref.png", bytes: bytes)
    let reading = await bench.files.readReference(bench.key("a/ref.png"), limit: 100, evenIfOpen: false)
    guard case .image(let stamp, _, let digest, let count, .png) = reading else {
      Issue.record("\(reading)")
      return
    }
    #expect(stamp.size == 100)
    #expect(count == 100)
    #expect(try await bench.files.digest(Array("ref.png".utf8), beside: bench.key("a/cat.prompt")) == digest)
    let content = try await bench.files.referenceContent(bench.key("a/ref.png"), limit: 100, evenIfOpen: false)
    #expect(content == ReferenceContent(bytes: bytes, sha256: digest, format: .png))
    func refusal(_ path: String, limit: Int = 100) async -> String {
      switch await bench.files.readReference(bench.key(path), limit: limit, evenIfOpen: false) {
      case .refused(let error): error.code.rawValue
      case .missing: "missing"
      case .beingWritten: "being written"
      case .image: "image"
      }
    }
    try bench.write("text.png", "no picture")
    try bench.place.write("root/half.png", bytes: bytes.dropLast(2))
    symbolicLink("a/ref.png", at: bench.path("link.png"))
    #expect(await refusal("a/ref.png", limit: 99) == "image-too-large")
    #expect(await refusal("none.png") == "missing")
    #expect(await refusal("a") == "image-not-a-file")
    #expect(await refusal("link.png") == "image-not-a-file")
    #expect(await refusal("text.png") == "image-not-an-image")
    #expect(await refusal("half.png") == "image-not-an-image")
    for path in ["none.png", "link.png", "text.png", "half.png"] {
      let thrown = try await trouble("\(path)") { () async throws(LocalTrouble) in
        try await bench.files.referenceContent(bench.key(path), limit: 100, evenIfOpen: false)
      }
      #expect(thrown.error.code == "reference-missing")
      #expect(!thrown.isFatal)
    }
  }
}
