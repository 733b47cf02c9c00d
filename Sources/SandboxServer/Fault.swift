/// One scripted fault: what goes wrong, its argument, and how often.
///
/// The format is this sandbox's own: `KIND[=ARG][:COUNT]`, for example `submit-status=503:2`.
public struct Fault: Sendable, Equatable {
  /// What goes wrong.
  public let kind: Kind
  /// What follows `=`, checked against what the kind takes.
  public let argument: String?
  /// How many more times it is applied; `nil`: always.
  public internal(set) var remaining: Int?

  /// Reads `KIND[=ARG][:COUNT]`. An argument that is a URL with a port needs a path when a count follows.
  ///
  /// - Throws: ``FaultSpecError``, whose description lists every kind when the kind is unknown.
  public init(parsing text: String) throws {
    let spec = text.trimmed
    let nameEnd = spec.firstIndex { $0 == "=" || $0 == ":" } ?? spec.endIndex
    let name = String(spec[..<nameEnd]).trimmed
    guard let kind = Kind(rawValue: name) else { throw FaultSpecError(spec: spec, problem: .unknownKind(name)) }
    var argument: String?
    var count: Substring?
    let rest = spec[nameEnd...]
    if rest.first == "=" {
      let parts = Self.splitCount(rest.dropFirst(), kind: kind)
      argument = String(parts.argument).trimmed
      count = parts.count
    } else if rest.first == ":" {
      count = rest.dropFirst()
    }
    if let count {
      guard let value = Int(String(count).trimmed), value > 0 else {
        throw FaultSpecError(spec: spec, problem: .badCount)
      }
      remaining = value
    }
    guard kind.accepts(argument) else { throw FaultSpecError(spec: spec, problem: .badArgument(kind)) }
    self.kind = kind
    self.argument = argument
  }

  /// Cuts `:DIGITS` off the end, unless those digits are a URL's port.
  private static func splitCount(_ text: Substring, kind: Kind) -> (argument: Substring, count: Substring?) {
    guard let colon = text.lastIndex(of: ":") else { return (text, nil) }
    let tail = text[text.index(after: colon)...]
    guard !tail.isEmpty, tail.utf8.allSatisfy({ (48...57).contains($0) }) else { return (text, nil) }
    if kind.argument == .url, let scheme = text.firstRange(of: "://"), !text[scheme.upperBound..<colon].contains("/") {
      return (text, nil)
    }
    return (text[..<colon], tail)
  }

  /// The argument as a number; 0 for kinds that take none.
  var number: Int { argument.flatMap { Int($0) } ?? 0 }
}

/// Why a fault could not be read.
public struct FaultSpecError: Error, CustomStringConvertible {
  enum Problem {
    case unknownKind(String)
    case badArgument(Fault.Kind)
    case badCount
  }

  let spec: String
  let problem: Problem

  /// One sentence with the spelling that would do; for an unknown kind the list of all of them.
  public var description: String {
    switch problem {
    case .unknownKind(let name):
      "unknown fault \"\(name)\"; the kinds are: " + Fault.Kind.allCases.map(\.usage).joined(separator: ", ")
    case .badArgument(let kind):
      "fault \"\(spec)\": write \(kind.usage) (\(kind.help))"
    case .badCount:
      "fault \"\(spec)\": the count after \":\" must be a whole number above 0"
    }
  }
}

extension Fault: CustomStringConvertible {
  /// The spelling ``init(parsing:)`` reads.
  public var description: String { spelling + (remaining.map { ":\($0)" } ?? "") }

  /// The spelling without the count.
  var spelling: String { kind.rawValue + (argument.map { "=" + $0 } ?? "") }
}

extension Fault.Kind {
  fileprivate func accepts(_ text: String?) -> Bool {
    guard let text else { return argument == .none }
    let number = Int(text)
    return switch argument {
    case .none: false
    case .status: number.map { (300...599).contains($0) } ?? false
    case .imageStatus: number.map { (202...599).contains($0) && $0 != 205 } ?? false
    case .format: OddPicture(rawValue: text) != nil
    case .milliseconds: number.map { (0...3_600_000).contains($0) } ?? false
    case .bytes: number.map { $0 >= 0 } ?? false
    case .number: number.map { (1...16).contains($0) } ?? false
    case .text, .word, .retryAfter: !text.isEmpty && !text.utf8.contains { $0 < 32 || $0 == 127 }
    case .encoding: Compression(rawValue: text) != nil
    case .url: text.hasPrefix("http://") || text.hasPrefix("https://") || (self == .imageRedirect && text == "loop")
    }
  }
}

extension String {
  var trimmed: String {
    var text = Substring(self)
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
