import Glibc
import JobCore

/// Why a folder cannot be watched.
public enum RootRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  /// It cannot be opened: path and reason.
  case unusable(String, SystemError)
  /// Another agent has it, or a folder above or below it.
  case locked(String)

  /// For the user.
  public var description: String {
    switch self {
    case .unusable(let path, let why): "cannot watch \(path): \(why.text)"
    case .locked(let path):
      "another promptdrop already watches \(path) (or a folder inside it); two agents on one folder would pay twice"
    }
  }
}

/// Why a root that is waited for cannot be used now.
enum RootAbsence: Error, Hashable {
  /// Nothing is there, or another folder.
  case missing
  /// A path that cannot be followed or looked at now.
  case unreadable([UInt8], SystemError)
  /// It is there and cannot be opened, or belongs to another agent.
  case refused(RootRefusal)
  /// It was given by a link that leads to another folder now.
  case leadsElsewhere([UInt8], to: [UInt8])

  init(_ error: SystemError, _ path: [UInt8]) {
    self = error.isOfPlace ? .missing : .unreadable(path, error)
  }

  /// What the user is shown. `root`: the folder that was watched.
  func error(_ root: [UInt8]) -> JobError {
    let name = DropPath.display(root)
    switch self {
    case .missing:
      return JobError(
        code: .rootGone,
        message: "\(name) is not there: it was moved, deleted or unmounted. Nothing in it is taken.",
        hint: "Put it back; promptdrop goes on by itself.", retryable: true)
    case .unreadable(let path, let error):
      return Self.unreadable(DropPath.display(path), error)
    case .refused(.unusable(let path, let error)): return Self.unreadable(path, error)
    case .refused(.locked(let path)):
      return JobError(
        code: .rootUnreadable,
        message:
          "Another promptdrop watches \(path) now. Nothing in \(name) is taken, because two agents would pay twice.",
        hint: "Stop the other one. promptdrop goes on by itself.", retryable: true)
    case .leadsElsewhere(let link, let target):
      return JobError(
        code: .rootGone,
        message:
          "\(DropPath.display(link)) led to \(name) and now leads to \(DropPath.display(target)). Nothing is taken in either "
          + "folder.",
        hint:
          "To watch \(DropPath.display(target)), restart promptdrop. To go on with \(name), let the link lead there again.",
        retryable: true)
    }
  }

  /// What is said of a root that cannot be looked through.
  static func unreadable(_ name: String, _ error: SystemError) -> JobError {
    let trouble = LocalTrouble(error, doing: "look through", name).error
    return JobError(
      code: .rootUnreadable, message: "\(trouble.message) Nothing in it is taken.",
      hint: (trouble.hint.map { $0 + " " } ?? "") + "promptdrop tries it again every few seconds.", retryable: true)
  }
}
