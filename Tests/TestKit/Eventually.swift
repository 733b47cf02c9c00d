import Testing

/// Waits until `condition` holds, looking again every few milliseconds. When it does not within the time, or throws at the
/// last look, records an issue that says `what` and throws, so that the test ends there.
public func eventually(
  within limit: Duration = .seconds(10), _ what: @autoclosure () -> String,
  isolation: isolated (any Actor)? = #isolation,
  sourceLocation: SourceLocation = #_sourceLocation, condition: () async throws -> Bool
) async throws {
  let end = ContinuousClock.now + limit
  var pause = Duration.milliseconds(2)
  while true {
    // Read before the look: a condition that takes long has had its last chance too.
    let isLast = ContinuousClock.now >= end
    var trouble = ""
    do {
      if try await condition() { return }
    } catch let error as CancellationError {
      throw error
    } catch {
      trouble = " (\(error))"
    }
    if isLast {
      Issue.record("not within \(limit): \(what())\(trouble)", sourceLocation: sourceLocation)
      throw DidNotHappen(description: "not within \(limit): \(what())\(trouble)")
    }
    try await Task.sleep(for: min(pause, max(.zero, end - .now)))
    pause = min(pause * 2, .milliseconds(25))
  }
}

/// What was waited for did not happen in time.
public struct DidNotHappen: Error, CustomStringConvertible {
  /// What.
  public let description: String
  /// Says what.
  public init(description: String) { self.description = description }
}
