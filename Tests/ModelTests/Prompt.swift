/// Prompts that have left the root, and may come back.
struct Away: Sendable {
  /// What it is called outside.
  var number: Int
  /// The stem or the folder that it was.
  var origin: String
  var isTree: Bool
  /// By what stands behind the origin in their stems: nothing, for a single one.
  var prompts: [String: Prompt]
  var lists: [String: [String]]
  /// Stems in the tree that only have what promptdrop put there.
  var remains: Set<String> = []
  /// Its inner folders.
  var folders: [String] = []
}

/// What one submission asks for.
struct Request: Hashable, Sendable, CustomStringConvertible {
  var prompt: String
  var images: [String]
  var description: String { images.isEmpty ? "\"\(prompt)\"" : "\"\(prompt)\" with \(images)" }
}

/// What a text comes to.
enum Fate: Equatable, Sendable {
  /// It is submitted, and its picture is put in place.
  case picture
  /// It stays, with this code.
  case refused(String)
  /// It is held, for this reason.
  case held(String)

  /// By the text alone.
  init(of text: String) {
    if text.allSatisfy(\.isWhitespace) {
      self = .refused("empty")
    } else if text.contains("<<<<<<< ") {
      self = .refused("git-conflict")
    } else if text.contains("hold: true") {
      self = .held("asked")
    } else {
      self = .picture
    }
  }
}

/// A prompt file as it has to be.
struct Prompt: Sendable {
  /// Which file it is, whatever its name.
  var id: Int
  /// Its inode: files with the same one change together.
  var node: Int
  var text: String
  /// What must have been submitted for it; nil: nothing.
  var wanted: Request?
  /// What this prompt's job is known to have been paid for: brought back unpaid.
  var paidFor: Set<Request> = []
  /// What this round may have submitted for it, each once.
  var claimed: Set<Request> = []
  /// Whether it came with a copied sidecar, which may still name the other one's job.
  var hasCopiedSidecar = false
  /// How often it was changed: above five times in ten minutes it would be held.
  var changes = 0
  /// Whether this round changed it, so that promptdrop may not know yet what it is.
  var isDirty = true
}
