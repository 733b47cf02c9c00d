/// What speaks against taking what a file asks for. It counts only where the file asks for more than what was taken before:
/// what is final, or waits in the queue, stays as it is.
public enum Doubt: Hashable, Sendable {
  /// Something is wrong that earlier versions took.
  case wrong(JobError)
  /// Something looks meant otherwise than it is understood: a person says what is meant.
  case unclear(HeldReason, message: String, hint: String)
  /// A control file has not arrived: it is waited for, and after a while a person says whether it is meant as it is.
  case notArrived(message: String, hint: String)
  /// A control file cannot be read for a reason that is the machine's.
  case machine(JobError)

  /// Whether it is about a file beside the prompt or in a folder above it. What that file would change is not known, so
  /// nothing that waits may be let go.
  public var isOfControlFile: Bool {
    switch self {
    case .wrong: false
    case .unclear(let reason, _, _): reason == .controlFileUnclear
    case .notArrived, .machine: true
    }
  }
}
