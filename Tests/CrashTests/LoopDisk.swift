import Foundation
import TestKit

/// A disk of its own, in a file: one that a test can cut the power of.
final class LoopDisk: Sendable {
  enum Kind: String, CaseIterable, Sendable {
    case ext4, xfs
    // The least that mkfs.xfs makes is 300 MB; the file has holes.
    var size: UInt64 { self == .ext4 ? 64 << 20 : 320 << 20 }
    var makeArguments: [String] { self == .ext4 ? ["-q", "-F"] : ["-q", "-f"] }
  }

  private let folder: TemporaryFolder
  private let mount: Tool
  private let unmount: Tool
  private let cutter: Tool

  /// Where it is mounted.
  var path: String { folder.path("disk") }

  /// Makes a file system and mounts it. Throws `Missing` where the machine does not allow that.
  init(_ kind: Kind) throws {
    func need(_ name: String) throws -> Tool {
      guard let tool = Tool.find(name) else { throw Missing(description: "\(name) is not installed") }
      return tool
    }
    guard geteuid() == 0 else { throw Missing(description: "only root can mount a file system") }
    (mount, unmount, cutter) = (try need("mount"), try need("umount"), try need("xfs_io"))
    let maker = try need("mkfs.\(kind.rawValue)")
    folder = try TemporaryFolder()
    try folder.makeFolder("disk")
    try folder.write("image", bytes: [])
    guard truncate(folder.path("image"), off_t(kind.size)) == 0 else {
      throw Missing(description: "no room for a disk")
    }
    try maker.run(kind.makeArguments + [folder.path("image")])
    try plugIn()
  }

  deinit {
    // Lazily, as a last resort: a disk that stays mounted would outlive the test.
    do { try unmount.run([path]) } catch {
      do { try unmount.run(["-l", path]) } catch {
        // Not mounted: the power was cut and it could not be mounted again.
      }
    }
  }

  private func plugIn() throws { try mount.run(["-o", "loop", folder.path("image"), path]) }

  /// From now on nothing reaches the disk, and what had not is lost: neither the caches nor the file system's log are written.
  func cutPower() throws { try cutter.run(["-x", "-c", "shutdown", path]) }

  /// The machine starts again: the file system recovers by its log. Everything that uses it has to have ended.
  func restorePower() throws {
    try unmount.run([path])
    try plugIn()
  }

  /// Why this machine has no such disk; nil where it has.
  static func obstacle(_ kind: Kind) -> String? {
    do {
      let disk = try LoopDisk(kind)
      try disk.cutPower()
      try disk.restorePower()
      return nil
    } catch { return "\(kind): \(error)" }
  }
}
