import Foundation
import Synchronization
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
  // Lazily, and again for what was mounted over it: what stays mounted would outlive the test.
  private static let line = "while umount -l \"$1\"; do :; done"
  private let server = Mutex<ChildProcess?>(nil)

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
    undo = try Undo(Self.line, [path])
    if isPluggedIn { try plugIn() }
  }

  private var image: String { parts.path("image") }

  /// Mounts it, after `unplug` with what was in it then; but for tmpfs, which is empty each time.
  func plugIn() throws { try plugIn(at: path) }

  private func plugIn(at place: String) throws {
    switch kind {
    case .tmpfs: try Machine.run("mount", ["-t", "tmpfs", "-o", "size=64m", "promptdrop-test", place])
    case .ext4, .xfs, .btrfs: try Machine.run("mount", ["-o", "loop", image, place])
    case .overlay:
      let layers = ["lower", "upper", "work"].map { "\($0)dir=\(parts.path($0))" }.joined(separator: ",")
      try Machine.run("mount", ["-t", "overlay", "promptdrop-test", "-o", layers, place])
    case .fuse:
      try serve(at: place)
    }
  }

  /// Unmounts it. Not lazily: throws while something keeps it busy.
  func unplug() throws { try Machine.run("umount", [path]) }

  /// Takes it out of the tree, whoever uses it.
  func tearOut() throws { try Machine.run("umount", ["-l", path]) }

  // In the foreground: what puts itself into the background is waited for by Foundation's processes for ever.
  private func serve(at place: String) throws {
    guard access("/dev/fuse", R_OK | W_OK) == 0 else { throw Missing(description: "there is no /dev/fuse") }
    func device() -> dev_t {
      var info = stat()
      return stat(place, &info) == 0 ? info.st_dev : 0
    }
    let before = device()
    // Version 2 of FUSE's library wants to be told that what is there may be hidden; later ones do not know the option.
    let isEmpty = try FileManager.default.contentsOfDirectory(atPath: place).isEmpty
    let options = isEmpty ? [] : ["-o", "nonempty"]
    let child = try ChildProcess(try Machine.tool("bindfs"), ["-f"] + options + [parts.path("behind"), place])
    server.withLock { $0 = child }
    let end = ContinuousClock.now + .seconds(10)
    while device() == before {
      guard child.ending == nil, .now < end else { throw Missing(description: "bindfs: \(child.standardError)") }
      // Mounting takes some milliseconds, and whoever mounts is not asynchronous.
      usleep(2000)
    }
  }

  /// Kills the process that serves a mount of FUSE's: from now on every look into it fails.
  func breakServer() { server.withLock { $0?.terminate(SIGKILL) } }

  /// Has it changed while it is mounted nowhere else: `body` is given a folder in which it is.
  func elsewhere(_ body: (String) throws -> Void) throws {
    let place = try TemporaryFolder()
    let undo = try Undo(Self.line, [place.path])
    defer { undo.end() }
    try plugIn(at: place.path)
    try body(place.path)
    try Machine.run("umount", [place.path])
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
