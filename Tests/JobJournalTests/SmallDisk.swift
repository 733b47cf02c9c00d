import Foundation
import TestKit
import Testing

/// A disk that is too small, a real one: a tmpfs at `disk` in a test's folder.
enum SmallDisk {
  // CAP_SYS_ADMIN, bit 21 of the effective capabilities: a container's root may lack it.
  static let mayMount: Bool = {
    // A machine without the file has no right to mount either.
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") }
    guard let word = line?.split(separator: "\t").last, let bits = UInt64(word, radix: 16) else { return false }
    return bits & (1 << 21) != 0
  }()

  /// Runs `body` with the disk mounted, and takes it away again.
  static func with(_ place: TemporaryFolder, size: String, _ body: () async throws -> Void) async throws {
    try place.makeFolder("disk")
    let mount = try ChildProcess(
      "/bin/mount", ["-t", "tmpfs", "-o", "size=\(size)", "promptdrop-test", place.path("disk")])
    try #require(try await mount.wait() == .exited(0), "\(mount.standardError)")
    let result: Result<Void, any Error>
    do {
      try await body()
      result = .success(())
    } catch {
      result = .failure(error)
    }
    let unmount = try ChildProcess("/bin/umount", ["-l", place.path("disk")])
    #expect(try await unmount.wait() == .exited(0))
    try result.get()
  }

  /// Takes all the room that is left, to the last byte, with `ballast`.
  static func fill(_ place: TemporaryFolder) throws {
    let file = open(place.path("disk/ballast"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    try #require(file >= 0)
    defer { close(file) }
    for size in [65_536, 4096, 1] {
      let bytes = [UInt8](repeating: 1, count: size)
      while write(file, bytes, size) > 0 {}
    }
    try #require(errno == ENOSPC)
  }
}
