/// Why a running agent could not be asked, or could not make itself heard.
public enum ControlError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Its socket cannot be reached, or it does not answer: path and reason.
  case silent(String, String)
  /// The address cannot be listened on: path or address, and reason.
  case unusable(String, String)
  /// Commands cannot find the agent: file or folder, and reason.
  case unannounced(String, String)

  /// For the user.
  public var description: String {
    switch self {
    case .silent(let path, let why): "the agent does not answer on \(path): \(why)"
    case .unusable(let path, let why): "cannot listen on \(path): \(why)"
    case .unannounced(let path, let why): "cannot announce the agent in \(path): \(why)"
    }
  }
}
