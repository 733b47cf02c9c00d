/// What happens to the folder, or to the agent that watches it. A *stem* is a path below the root without extension.
enum Operation: Sendable {
  /// How a text gets into a file.
  enum Way: Sendable, CustomStringConvertible {
    /// Opened, emptied, written, closed.
    case inPlace
    /// Added at the end.
    case append
    /// Under a hidden name, then renamed.
    case byRename
    /// This much first, and the whole a moment later.
    case inTwoSteps(first: String)
    /// Emptied and closed; filled a moment later.
    case afterEmptying
    /// By a process that is killed after this much, and then as a whole.
    case afterABrokenOne(first: String)

    var description: String {
      switch self {
      case .inPlace: "in place"
      case .append: "append"
      case .byRename: "by rename"
      case .inTwoSteps(let first): "in two steps, first \(first.debugDescription)"
      case .afterEmptying: "after emptying"
      case .afterABrokenOne(let first): "after a killed writer of \(first.debugDescription)"
      }
    }
  }

  case write(String, String, Way)
  /// By a process that is killed half-way: this much is what stays.
  case breakOff(String, String)
  case list(String, [String]?)
  case touch(String)
  case changeMode(String)
  case copy(String, String)
  case link(String, String)
  /// With its list, if it has one. What has the new name is replaced.
  case rename(String, String)
  /// As `mv` does it from one file system to another, or, slowly, as programs do that sync.
  case renameByCopying(String, String, slowly: Bool)
  case delete(String)
  /// With its list, and with all that promptdrop has put beside it.
  case deleteAll(String)
  case deleteAndWrite(String, String)
  case moveTree(String, String)
  case copyTree(String, String, withSidecars: Bool)
  case removeTree(String)
  case moveOut(String)
  case moveTreeOut(String)
  /// What was moved out as this number comes back under a name.
  case moveBack(Int, String)
  case killAgent
  case stopAgent
  case startAgent
}

/// An operation, or what it needs, did not work.
struct OperationFailed: Error, CustomStringConvertible {
  let description: String
}
