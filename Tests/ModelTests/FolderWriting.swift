import Foundation
import ProgramKit
import TestKit
import Testing

// The ways of writers.
extension Folder {
  /// Returns a moment before the first byte was written.
  func write(_ file: String, _ text: String, _ way: Operation.Way) async throws -> ContinuousClock.Instant {
    var began = ContinuousClock.now
    switch way {
    case .inPlace: try root.write(file, text)
    case .byRename:
      try makeFolder(above: file)
      try root.writeByRename(file, text)
    case .append: try append(text, to: file)
    case .inTwoSteps(let first):
      try root.write(file, first)
      // Not waited for: the writer is slow.
      try await Task.sleep(for: .milliseconds(30))
      try append(text, to: file)
    case .afterEmptying:
      try root.write(file, "")
      try await Task.sleep(for: .milliseconds(30))
      try root.write(file, text)
    case .afterABrokenOne(let first):
      began = try await breakOff(file, first)
      try root.write(file, text)
    }
    return began
  }

  /// What is missing of the text is added.
  private func append(_ text: String, to file: String) throws {
    let former = try root.bytes(file).count
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: root.path(file)))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data(text.utf8.dropFirst(former)))
    try handle.close()
  }

  /// A process writes this much and is killed with the file open. Returns a moment before it wrote.
  @discardableResult
  func breakOff(_ file: String, _ first: String) async throws -> ContinuousClock.Instant {
    try makeFolder(above: file)
    let script = "exec 3> \"$0\"; printf %s \"$1\" >&3; exec sleep 600"
    let began = ContinuousClock.now
    let writer = try ChildProcess("/bin/sh", ["-c", script, root.path(file), first])
    try await eventually("\(file) is half written") { root.exists(file) ? try root.read(file) == first : false }
    writer.terminate(SIGKILL)
    try await writer.wait()
    return began
  }
}
