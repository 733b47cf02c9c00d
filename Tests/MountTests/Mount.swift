import Foundation
import TestKit

/// A file system of a test's own, mounted at a folder. Hold it with `defer { mount.end() }`: a value that is not used any
/// more is gone before the end of the test.
final class Mount: Sendable {
  enum Kind: String, CaseIterable, Sendable {
    case tmpfs, ext4, xfs, btrfs, overlay, fuse

    /// How the program has to follow it.
    var mode: String { self == .fuse ? "polling" : "inotify" }
    /// The least size of a disk; the file has holes. Zero: there is no disk.
    var size: UInt64 {
      switch self {
      case .ext4: 64 << 20
      case .xfs: 320 << 20
      case .btrfs: 128 << 20
      case .tmpfs, .overlay, .fuse: 0
      }
    }
  }

  let kind: Kind
  /// Where it is mounted.
  let path: String
  /// What it is made of: a disk's image, the layers of an overlay, or the folder that bindfs shows.
  let parts: TemporaryFolder
  private let undo: Undo

  /// Makes a file system and mounts it, unless `isPluggedIn` is false. Throws `Missing` where the machine does not allow that.
  init(_ kind: Kind, at path: String, isPluggedIn: Bool = true) throws {
    guard geteuid() == 0 else { throw Missing(description: "only root can mount a file system") }
    (self.kind, self.path) = (kind, path)
    parts = try TemporaryFolder()
    for name in ["lower", "upper", "work", "behind"] { try parts.makeFolder(name) }
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    if kind.size > 0 {
      try parts.write("image", bytes: [])
      guard truncate(parts.path("image"), off_t(kind.size)) == 0 else {
        throw Missing(description: "no room for a disk")
      }
      try Machine.run("mkfs.\(kind.rawValue)", ["-q", kind == .ext4 ? "-F" : "-f", parts.path("image")])
    }
    // Lazily, and again for what was mounted over it: what stays mounted would outlive the test.
    undo = try Undo("while umount -l \"$1\"; do :; done", [path])
    if isPluggedIn { try plugIn() }
  }

  private var image: String { parts.path("image") }

  /// Mounts it, after `unplug` with what was in it then; but for tmpfs, which is empty each time.
  func plugIn(at other: String? = nil) throws {
    let place = other ?? path
    switch kind {
    case .tmpfs: try Machine.run("mount", ["-t", "tmpfs", "-o", "size=64m", "promptdrop-test", place])
    case .ext4, .xfs, .btrfs: try Machine.run("mount", ["-o", "loop", image, place])
    case .overlay:
      let layers = ["lower", "upper", "work"].map { "\($0)dir=\(parts.path($0))" }.joined(separator: ",")
      try Machine.run("mount", ["-t", "overlay", "promptdrop-test", "-o", layers, place])
    case .fuse:
      guard access("/dev/fuse", R_OK | W_OK) == 0 else { throw Missing(description: "there is no /dev/fuse") }
      try Machine.run("bindfs", [parts.path("behind"), place])
    }
  }

  /// Unmounts it. Not lazily: throws while something keeps it busy.
  func unplug(at other: String? = nil) throws { try Machine.run("umount", [other ?? path]) }

  /// Takes it out of the tree, whoever uses it.
  func tearOut() throws { try Machine.run("umount", ["-l", path]) }

  /// Kills the process that serves a mount of FUSE's: from now on every look into it fails. It is found by its arguments.
  func breakServer() throws {
    let arguments = Array("\u{0}\(parts.path("behind"))\u{0}\(path)\u{0}".utf8)
    for name in try FileManager.default.contentsOfDirectory(atPath: "/proc") {
      // What has ended meanwhile has no arguments.
      guard let id = pid_t(name), let told = FileManager.default.contents(atPath: "/proc/\(id)/cmdline") else {
        continue
      }
      if told.range(of: Data(arguments)) != nil, told.range(of: Data("bindfs".utf8)) != nil { kill(id, SIGKILL) }
    }
  }

  /// Has it changed while it is mounted nowhere else: `body` is given a folder in which it is.
  func elsewhere(_ body: (String) throws -> Void) throws {
    let place = try TemporaryFolder()
    try plugIn(at: place.path)
    // Thrown away: what went wrong in the body matters more, and a place that stays busy is taken out lazily.
    defer { do { try unplug(at: place.path) } catch { _ = try? Machine.run("umount", ["-l", place.path]) } }
    try body(place.path)
  }

  /// Unmounts it for good.
  func end() { undo.end() }

  /// A mount, or nil, with a line in the output, where the machine does not allow it.
  static func make(
    _ kind: Kind, at path: String, isPluggedIn: Bool = true, for test: String = #function
  ) throws -> Mount? {
    try Machine.allowed("\(test) on \(kind)") { try Mount(kind, at: path, isPluggedIn: isPluggedIn) }
  }
}
