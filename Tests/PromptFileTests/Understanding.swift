import Foundation
import JobCore
import PromptFile
import Testing

/// One call of the reader, with what a test does not care about filled in.
struct Understanding {
  var prompt: [UInt8]
  var list: [UInt8]?
  var path = DropPath("a/cat.prompt")
  var defaults: [(String, [UInt8])] = []
  var exclude: [String] = []
  var agentName = "desk"
  var model = "google/gempix2"

  init(_ prompt: String, list: String? = nil) {
    self.prompt = Array(prompt.utf8)
    self.list = list.map { Array($0.utf8) }
  }

  init(bytes: [UInt8], list: [UInt8]? = nil) {
    prompt = bytes
    self.list = list
  }

  /// With folder defaults: path of the folder and text, the nearest first.
  func under(_ folders: (String, String)...) -> Understanding {
    var changed = self
    changed.defaults = folders.map { ($0.0, Array($0.1.utf8)) }
    return changed
  }

  func at(_ path: String) -> Understanding {
    var changed = self
    changed.path = DropPath(path)
    return changed
  }

  func result() throws(JobError) -> PromptRequest {
    let root = RootID(1)
    let reader = PromptReader(.init(model: model, agentName: agentName, exclude: exclude))
    return try reader.understand(
      prompt: prompt, list: list, file: FileKey(root: root, path: path),
      defaults: defaults.map { folder, bytes in
        (FileKey(root: root, path: DropPath(folder).appending(Array(".promptdrop.yaml".utf8))), bytes)
      })
  }

  /// What the user is told; an issue where it was understood.
  func refusal(sourceLocation: SourceLocation = #_sourceLocation) throws -> JobError {
    let error = try #require(throws: JobError.self, sourceLocation: sourceLocation) { _ = try self.result() }
    #expect(error.isPresentable, "\(error)", sourceLocation: sourceLocation)
    return error
  }
}

extension JobError {
  /// A code of plain words, and texts of one line that a terminal can show.
  var isPresentable: Bool {
    let isOneLine = { (text: String) in
      !text.isEmpty && text.utf8.count <= 4000
        && !text.unicodeScalars.contains { $0.value < 32 || (0x7F...0x9F).contains($0.value) }
    }
    return code.rawValue.wholeMatch(of: /[a-z0-9\-]+/) != nil && isOneLine(message) && hint.map(isOneLine) ?? true
  }
}

/// Shorthand for a prompt with front matter.
func understand(_ prompt: String, list: String? = nil) throws(JobError) -> PromptRequest {
  try Understanding(prompt, list: list).result()
}

/// Shorthand for the refusal of a prompt with front matter.
func refusal(
  _ prompt: String, list: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
) throws -> JobError {
  try Understanding(prompt, list: list).refusal(sourceLocation: sourceLocation)
}

/// What `body` costs of the processor: the wall clock would count the tests that run at the same time.
func cost(of body: () throws -> Void) rethrows -> Duration {
  let now = {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Duration.seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }
  let start = now()
  try body()
  return now() - start
}
