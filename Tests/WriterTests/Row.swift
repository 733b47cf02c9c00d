/// One writer and one action, and what has to be submitted because of it.
struct Row: Sendable {
  /// What the user would call it.
  let name: String
  /// Programs that it needs besides a shell.
  var programs: [String] = []
  /// Whether `foo.prompt` is there, with the first text and its picture, before the action.
  var before = false
  /// The action, for `sh -eu` in the row's folder. `$P` is `foo.prompt`, `$T1` and `$T2` are texts of the row's own, `$W` is a
  /// folder on the same file system that nobody watches, `$X` one on another file system.
  let script: String
  /// What has to be submitted by it, in this order: `T1` and `T2` stand for the row's texts, `E1` for
  /// the first with an exclamation mark at its end.
  let expected: [String]
  /// Where the prompt is afterwards.
  var file = "foo.prompt"
  /// What its sidecar says afterwards; nil: there is none.
  var state: String? = "done"
  /// Why, where that is to be said.
  var reason: String?
  /// Other prompts that get sidecars, with their states: name without ending.
  var others: [String: String] = [:]
}
