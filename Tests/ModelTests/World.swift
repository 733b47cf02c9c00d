/// The watched folder as it has to be, and what may have been submitted for it. It is told each operation, and each
/// moment of rest; it touches no file.
///
/// Between two moments of rest nothing is known of how far promptdrop has come, so bounds are kept, not numbers: `most`
/// says how often each request may have been paid for. At rest it becomes what the service's ledger says, so that the
/// next round is judged by itself.
struct World: Sendable {
  var folders: Set<String> = [""]
  var prompts: [String: Prompt] = [:]
  var lists: [String: [String]] = [:]
  /// Names whose prompt is gone, where promptdrop's files may lie. Where the same file may come back, what is known of
  /// its job.
  var remains: [String: Prompt] = [:]
  var away: [Away] = []
  var isRunning = true
  /// How often each request may have been paid for.
  var most: [Request: Int] = [:]
  /// How many prompts have a request by a copied sidecar, unpaid.
  var byCopiedSidecar: [Request: Int] = [:]
  /// Texts that were ever deleted, replaced or moved out: a new file with one of them may be taken for that prompt.
  var scattered: Set<String> = []
  /// Texts of which it is open with which images they were submitted.
  var vague: Set<String> = []

  /// Whether a kill can have left in the open what became of a submission.
  var wasKilled = false

  // Of this round.
  /// Names that a prompt has left for another one, and which prompt.
  var vacated: [String: Int] = [:]
  /// Texts that were copied.
  var copied: Set<String> = []
  /// Names that something was done about that a folder's move would cross.
  var touched: Set<String> = []
  /// Prompts that were moved with their folder.
  var movedWithFolder: Set<Int> = []
  /// Deleted prompts whose picture comes all the same, if they were submitted.
  var deleted: [String: Request] = [:]

  /// Names from or to which something was moved, or where pictures were deleted: earlier pictures may lie elsewhere.
  var movedNames: Set<String> = []
  var changesOfName: [String: Int] = [:]
  private(set) var lastNumber = 0

  /// A number that was not used before: texts, prompts and inodes are told apart by them.
  mutating func number() -> Int {
    lastNumber += 1
    return lastNumber
  }

  /// What is below a folder.
  static func isBelow(_ folder: String, _ path: String) -> Bool { path.hasPrefix(folder + "/") }

  /// Whether a new file with the text may be taken for another prompt than the one that it was.
  func isAmbiguous(_ text: String) -> Bool { scattered.contains(text) || copied.contains(text) }

  /// Whether another name leads to the same bytes.
  func isLinked(_ prompt: Prompt) -> Bool {
    let all = Array(prompts.values) + away.flatMap { $0.prompts.values }
    return all.count { $0.node == prompt.node } > 1
  }

  /// A request may be paid for once more, unless this prompt has had it before.
  mutating func claim(_ request: Request, by prompt: inout Prompt) {
    guard !prompt.paidFor.contains(request), prompt.claimed.insert(request).inserted else { return }
    most[request, default: 0] += 1
  }

  /// The state of rest: everything is done, and the ledger is what it is.
  mutating func rest(paid: [Request: Int]) {
    most = paid
    for (stem, prompt) in prompts { prompts[stem]?.rested(isCertain: !vague.contains(prompt.text)) }
    for stem in remains.keys { remains[stem]?.claimed = [] }
    for index in away.indices {
      for name in away[index].prompts.keys { away[index].prompts[name]?.claimed = [] }
    }
    (vacated, copied, touched, movedWithFolder, deleted) = ([:], [], [], [], [:])
  }
}

extension Prompt {
  fileprivate mutating func rested(isCertain: Bool) {
    if let wanted, isCertain { paidFor.insert(wanted) }
    claimed = []
    isDirty = false
  }
}
