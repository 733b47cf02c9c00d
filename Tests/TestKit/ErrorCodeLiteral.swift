import JobCore

/// Tests write codes as the words that users and scripts see: a constant that got another word fails them.
extension ErrorCode: ExpressibleByStringInterpolation {
  /// The code with this word.
  public init(stringLiteral word: String) { self.init(rawValue: word) }
}
