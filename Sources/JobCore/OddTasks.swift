/// Tells the trouble of one task from the service's: an outage answers nobody, an odd task is odd while others are
/// answered as they should be.
struct OddTasks: Sendable {
  // Failures of tasks since anybody was last answered.
  private var failing: [String: Int] = [:]
  // Those whose failures say nothing of the service: it answered others meanwhile.
  private var odd: Set<String> = []
  // Those that were answered with something that nobody can read, since a readable answer came.
  private var unreadable: Set<String> = []
  // One task, or two that were sent alike, are no outage.
  private static let mostOdd = 2
  private static let leastFailures = 3

  /// A query of a task failed; nil: of none in particular. Whether that counts against the service.
  mutating func failed(_ task: String?) -> Bool {
    guard let task else { return true }
    if odd.contains(task) { return false }
    failing[task, default: 0] += 1
    return true
  }

  /// A task was answered with something that nobody can read. Whether so many were that it is the service.
  mutating func unusable(_ task: String) -> Bool {
    unreadable.insert(task)
    return unreadable.count > Self.mostOdd
  }

  /// A query of a task was answered as it should; nil: of none in particular.
  mutating func answered(_ task: String?) {
    // Nearly always.
    if failing.isEmpty, odd.isEmpty, unreadable.isEmpty { return }
    if let task {
      failing[task] = nil
      odd.remove(task)
    }
    if failing.count <= Self.mostOdd { odd.formUnion(failing.filter { $0.value >= Self.leastFailures }.keys) }
    failing = [:]
    unreadable = []
  }
}
