import Foundation
import ProgramKit
import SandboxServer
import TestKit
import Testing

/// What the program takes of a small machine, whatever it is given.
@Suite(.serialized) struct MemoryTests {
  /// In MiB.
  private static let limit = 256

  // A PNG of any size: readers skip a chunk that they do not know, and nobody checks its sum.
  private static func png(_ bytes: Int) -> [UInt8] {
    var whole = Array(ReferenceTests.png.prefix(33))
    whole += withUnsafeBytes(of: UInt32(bytes).bigEndian, Array.init)
    whole += Array("teSt".utf8)
    whole += [UInt8](repeating: 0x5A, count: bytes + 4)
    whole += ReferenceTests.png.dropFirst(33)
    return whole
  }

  private func peak(of child: ChildProcess) throws -> Int {
    let status = try String(contentsOfFile: "/proc/\(child.processID)/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
    return try #require(line.split(separator: " ").compactMap { Int($0) }.first) / 1024
  }

  @Test func largeReferenceImagesOfManyPrompts() async throws {
    let names = (1...6).map { "p\($0)" }
    let bench = try await Fixture { $0.keepBodies = false }
    for number in 1...4 { try bench.root.write("\(number).png", bytes: Self.png(11_000_000)) }
    for name in names {
      try bench.root.write("\(name).images", "1.png\n2.png\n3.png\n4.png\n")
      try bench.root.write("\(name).prompt", name)
    }
    let agent = try await bench.watch()
    for name in names { try await bench.waitFor(name, "done", within: .seconds(120)) }
    #expect(bench.posts.count == names.count && bench.paid.sorted() == names)
    let peak = try peak(of: agent)
    #expect(peak < Self.limit, "\(peak) MiB")
  }

  @Test func endlessPicturesOfManyTasks() async throws {
    let names = (1...8).map { "p\($0)" }
    let bench = try await Fixture(
      Dictionary(uniqueKeysWithValues: names.map { ($0, $0) }), faults: ["image-huge=10000000000"])
    let agent = try await bench.watch()
    for name in names { try await bench.waitFor(name, "held", within: .seconds(120)) }
    let peak = try peak(of: agent)
    #expect(peak < Self.limit, "\(peak) MiB")
    let expected = names.flatMap { ["\($0).prompt", "\($0).status.json"] }.sorted()
    #expect(try bench.root.list() == expected)
  }
}
