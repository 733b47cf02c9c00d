import Foundation
import JobCore
import Synchronization
import TestKit
import Testing

@testable import DropFolder

/// The threads of all fixtures.
let fileThreads = WorkerThreads(atMost: 8)

/// A real, locked root with its files.
final class FilesFixture: Sendable {
  let place: TemporaryFolder
  /// The root's folder, below `place`.
  let name: String
  let root: RootFolder
  let files: FolderFiles

  init(
    _ place: TemporaryFolder? = nil, root name: String = "root", opening: Opening? = nil,
    check: @escaping ImageCheck = checkSample
  ) throws {
    let place = try place ?? TemporaryFolder()
    try place.makeFolder(name)
    self.place = place
    self.name = name
    root = try RootFolder(place.path(name), opening: opening)
    files = FolderFiles(
      roots: [RootID(1): root], workers: fileThreads, check: check, glance: glanceSample,
      run: "run-\(ProcessInfo.processInfo.processIdentifier)", keptFolder: place.path("kept"))
  }

  func key(_ path: String) -> FileKey { FileKey(root: RootID(1), path: DropPath(path)) }
  func path(_ path: String) -> String { place.path("\(name)/\(path)") }
  func write(_ path: String, _ text: String) throws { try place.write("\(name)/\(path)", text) }
  func read(_ path: String) throws -> String { try place.read("\(name)/\(path)") }
  func exists(_ path: String) -> Bool { place.exists("\(name)/\(path)") }
  func list(_ folder: String = "") throws -> [String] {
    try place.list(folder.isEmpty ? name : "\(name)/\(folder)")
  }

  func readOne(_ path: String, limit: Int = 100_000) async throws -> SourceReading {
    let stem = path.hasSuffix(".prompt") ? String(path.dropLast(7)) : path
    let readings = await files.readSources(
      [SourceQuery(prompt: key(path), list: key(stem + ".images"))], limit: limit)
    return try #require(readings.first)
  }
}

/// Judges samples: `IMG` at the head, `END` at the end.
let checkSample: ImageCheck = { bytes in
  guard bytes.starts(with: Array("IMG".utf8)) else { return .failure(.unknownFormat) }
  guard bytes.suffix(3).elementsEqual(Array("END".utf8)) else { return .failure(.truncated) }
  return .success(ImageInfo(format: .png, width: 3, height: 4))
}

/// What begins like a sample is one.
let glanceSample: ImageGlance = { bytes in
  bytes.starts(with: Array("IMG".utf8)) ? ImageInfo(format: .png, width: 3, height: 4) : nil
}

/// A sample of this many bytes. Made of blocks, because a test build is slow byte by byte.
func sample(_ count: Int) -> [UInt8] {
  let block = (0..<1021).map { UInt8(truncatingIfNeeded: $0 &* 31) }
  var bytes = Array("IMG".utf8)
  while bytes.count < count { bytes += block }
  return bytes.prefix(max(3, count - 3)) + Array("END".utf8)
}

/// Compares large arrays quickly.
func isSame(_ a: [UInt8], _ b: [UInt8]) -> Bool { a.count == b.count && memcmp(a, b, a.count) == 0 }

/// Does something over and over on a thread of its own, so that it takes no turn from other tests.
final class Busy: Sendable {
  private let isStopped = Atomic<Bool>(false)
  private let ended = DispatchSemaphore(value: 0)

  init(_ body: @escaping @Sendable () -> Void) {
    Thread { [self] in
      while !isStopped.load(ordering: .relaxed) { body() }
      ended.signal()
    }.start()
  }

  /// Returns when it has ended.
  func stop() {
    isStopped.store(true, ordering: .relaxed)
    ended.wait()
  }
}

func symbolicLink(_ target: String, at path: String, sourceLocation: SourceLocation = #_sourceLocation) {
  #expect(symlink(target, path) == 0, sourceLocation: sourceLocation)
}

extension Sighting {
  var stamp: FileStamp? { if case .file(let stamp, _) = self { stamp } else { nil } }
  var age: Duration? { if case .file(_, let age) = self { age } else { nil } }
}

/// What a call that has to fail with the machine's own trouble threw.
func trouble<T>(
  _ what: Comment, sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () async throws(LocalTrouble) -> T
) async throws -> LocalTrouble {
  do throws(LocalTrouble) {
    _ = try await body()
  } catch {
    return error
  }
  Issue.record("nothing was thrown: \(what)", sourceLocation: sourceLocation)
  throw DidNotThrow()
}

struct DidNotThrow: Error {}

/// A small file system of its own, in memory. Use it only where `isPossible`.
enum SmallDisk {
  static func with(size: String, _ body: (TemporaryFolder, _ mountPoint: String) async throws -> Void) async throws {
    let place = try TemporaryFolder()
    try place.makeFolder("disk")
    let disk = place.path("disk")
    try await run("/bin/mount", "-t", "tmpfs", "-o", "size=\(size)", "promptdrop-test", disk)
    let result: Result<Void, any Error>
    do {
      try await body(place, disk)
      result = .success(())
    } catch {
      result = .failure(error)
    }
    // Lazily, because the root is still open.
    try await run("/bin/umount", "-l", disk)
    try result.get()
  }

  static func run(_ command: String, _ arguments: String...) async throws {
    let process = try ChildProcess(command, arguments)
    let ending = try await process.wait(within: .seconds(30))
    try #require(ending == .exited(0), "\(command) \(arguments): \(process.standardError)")
  }

  /// CAP_SYS_ADMIN, bit 21 of the effective capabilities: a container's root may lack it.
  static let isPossible: Bool = {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") }
    guard let word = line?.split(separator: "\t").last, let bits = UInt64(word, radix: 16) else { return false }
    return bits & (1 << 21) != 0
  }()

  static let why: Comment = "needs the right to mount a small file system (root)"
}
