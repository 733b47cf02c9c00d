import Foundation

/// A fresh folder of a test's own, removed with the value. It is not below `/tmp`, where editors behave differently (vim and
/// emacs make no backups there): it lies in `$PROMPTDROP_TEST_DIR`, else in `~/.cache/promptdrop-tests`.
public final class TemporaryFolder: Sendable {
  /// Its absolute path, without symbolic links and without a final slash.
  public let path: String

  /// Makes an empty folder. `place`: where, if it must not be where all are.
  public init(in place: String? = nil) throws {
    let environment = ProcessInfo.processInfo.environment
    let parent =
      place ?? environment["PROMPTDROP_TEST_DIR"].flatMap { $0.isEmpty ? nil : $0 }
      ?? NSHomeDirectory() + "/.cache/promptdrop-tests"
    try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
    let made = URL(fileURLWithPath: parent).resolvingSymlinksInPath().path + "/" + UUID().uuidString.lowercased()
    try FileManager.default.createDirectory(atPath: made, withIntermediateDirectories: false)
    path = made
  }

  deinit {
    // A test may have taken rights away; and a folder that stays is litter, not a failure.
    let folders = FileManager.default.enumerator(atPath: path)
    while let name = folders?.nextObject() as? String {
      var info = stat()
      let inner = self.path(name)
      if lstat(inner, &info) == 0, info.st_mode & S_IFMT == S_IFDIR { chmod(inner, 0o700) }
    }
    do { try FileManager.default.removeItem(atPath: path) } catch {
      FileHandle.standardError.write(Data("cannot remove \(path): \(error)\n".utf8))
    }
  }

  /// The absolute path of `name`.
  public func path(_ name: String) -> String { name.isEmpty ? path : path + "/" + name }

  /// Writes a file in place, as `cat >` does: opened, emptied, written, closed. Missing folders are made.
  public func write(_ name: String, _ text: String) throws { try write(name, bytes: Array(text.utf8)) }

  /// Writes a file in place from bytes.
  public func write(_ name: String, bytes: [UInt8]) throws {
    try makeFolder((name as NSString).deletingLastPathComponent)
    let file = path(name)
    let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw FileTrouble("open", file) }
    defer { close(descriptor) }
    var rest = bytes[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else { throw FileTrouble("write", file) }
      rest = rest.dropFirst(written)
    }
  }

  /// Writes a hidden temporary file beside `name` and renames it over `name`, as careful programs do.
  public func writeByRename(_ name: String, _ text: String) throws {
    let folder = (name as NSString).deletingLastPathComponent
    let hidden = ".\((name as NSString).lastPathComponent).\(UUID().uuidString.prefix(6))"
    let temporary = folder.isEmpty ? hidden : folder + "/" + hidden
    try write(temporary, text)
    try rename(temporary, to: name)
  }

  /// Renames within the folder; what has the new name is replaced.
  public func rename(_ name: String, to newName: String) throws {
    guard Foundation.rename(path(name), path(newName)) == 0 else { throw FileTrouble("rename", path(name)) }
  }

  /// Makes a folder, and those above it.
  public func makeFolder(_ name: String) throws {
    try FileManager.default.createDirectory(atPath: path(name), withIntermediateDirectories: true)
  }

  /// Removes a file, or a folder with all below it.
  public func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: path(name)) }

  /// A file's text; throws where it is missing or not UTF-8.
  public func read(_ name: String) throws -> String { try String(contentsOfFile: path(name), encoding: .utf8) }

  /// A file's bytes.
  public func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path(name)))) }

  /// Whether anything has the name, be it a symbolic link that leads nowhere.
  public func exists(_ name: String) -> Bool {
    var info = stat()
    return lstat(path(name), &info) == 0
  }

  /// The names in the folder, or in one below it: sorted, hidden ones and folders included.
  public func list(_ folder: String = "") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path(folder)).sorted()
  }
}

/// A system call that failed.
public struct FileTrouble: Error, CustomStringConvertible {
  /// What, where and why.
  public let description: String
  init(_ call: String, _ path: String) { description = "\(call) \(path): \(String(cString: strerror(errno)))" }
}
