/// A picture that is paid for and finished, and that is not there yet. It is kept with its task.
public struct Late: Hashable, Sendable {
  /// What is missing.
  public enum Cause: String, Hashable, Codable, Sendable {
    /// The service says `success`, and its result is null or missing.
    case noResult = "no-result"
    /// What its URL leads to is not the picture.
    case notFetched = "not-fetched"
  }
  /// What is missing.
  public var cause: Cause
  /// How long it was waited for: the sum of the pauses between the tries. It is not taken from a clock, so that a clock
  /// that is set neither gives a picture up nor has it tried for ever.
  public var waited: Duration
  /// The last of these pauses.
  public var pause: Duration
  /// When it is tried next; nil: not by itself.
  public var next: Timestamp?
  /// Why the last try failed.
  public var error: JobError
  /// Where it was said to be last: whole URLs, which may be as good as a key.
  public var urls: [String]

  /// Makes one.
  public init(
    cause: Cause, waited: Duration, pause: Duration = .zero, next: Timestamp?, error: JobError, urls: [String] = []
  ) {
    self.cause = cause
    self.waited = waited
    self.pause = pause
    self.next = next
    self.error = error
    self.urls = urls
  }

  /// It is waited for this much longer before the next try.
  mutating func rest(_ pause: Duration, from now: Timestamp) {
    // In whole milliseconds, as it is written down.
    self.pause = .milliseconds(pause.milliseconds)
    waited += self.pause
    next = now + self.pause
  }
}

/// A picture that came damaged: should the same bytes come once more after a while, that is what was made.
public struct Damage: Hashable, Sendable {
  /// Which of the task's pictures, from 1.
  public var part: Int
  /// SHA-256 of its bytes, hexadecimal.
  public var sha256: String
  /// How long the picture had been waited for when these bytes first came; see `Late.waited`.
  public var firstSeen: Duration

  /// Makes one.
  public init(part: Int, sha256: String, firstSeen: Duration = .zero) {
    self.part = part
    self.sha256 = sha256
    self.firstSeen = firstSeen
  }
}

extension TaskRef {
  /// Whether these damaged bytes have come before, long enough ago: then they are the picture.
  public func hasSettledFor(_ damage: Damage, _ policy: RetryPolicy) -> Bool {
    self.damage.contains { seen in
      seen.part == damage.part && seen.sha256 == damage.sha256
        && (late?.waited ?? .zero) - seen.firstSeen >= policy.damageGap
    }
  }

  /// The same bytes keep the moment when they first came.
  mutating func note(_ damage: Damage) {
    if self.damage.contains(where: { $0.part == damage.part && $0.sha256 == damage.sha256 }) { return }
    self.damage.removeAll { $0.part == damage.part }
    self.damage.append(Damage(part: damage.part, sha256: damage.sha256, firstSeen: late?.waited ?? .zero))
  }

  /// The same task for a person who wants another look at it: its time begins anew. That it was finished once, and where
  /// its picture was then, is not forgotten: whatever the service says now, nobody pays for it again.
  func lookedAtAnew(_ now: Timestamp) -> TaskRef {
    var fresh = TaskRef(taskID: taskID, acceptedAt: now)
    fresh.damage = damage.map { Damage(part: $0.part, sha256: $0.sha256) }
    if let late, late.cause == .notFetched {
      fresh.late = Late(cause: .notFetched, waited: .zero, next: now, error: late.error, urls: late.urls)
    }
    return fresh
  }

  /// The same at a try: a pause that was cut short counts for as long as it was.
  func tried(at now: Timestamp) -> TaskRef {
    guard var late, let next = late.next, next > now else { return self }
    late.waited -= min(next - now, late.pause)
    (late.pause, late.next) = (.zero, now)
    var tried = self
    tried.late = late
    return tried
  }

  /// The wall clock was set.
  mutating func move(by jump: Duration) {
    acceptedAt = acceptedAt + jump
    if let next = late?.next { late?.next = next + jump }
  }
}

extension Held {
  /// Whether its picture is still tried by itself, without a person's word.
  public var isStillTried: Bool { reason == .paidNotFetched && task?.late?.next != nil }
}

extension SlotState {
  /// Whether a picture is paid for, finished, and late. Such a slot waits for a host and not for the service, so it takes
  /// nobody's place there.
  public var isLate: Bool {
    switch self {
    case .submitted(let task): task.isLate
    case .fetching(let fetching): fetching.task.isLate
    case .held(let held): held.task?.isLate ?? false
    case .queued, .submitting, .done, .failed, .cancelled: false
    }
  }

  /// When a picture that is late is tried next.
  public var nextLateTry: Timestamp? {
    switch self {
    case .submitted(let task): task.late?.next
    case .held(let held): held.isStillTried ? held.task?.late?.next : nil
    default: nil
    }
  }
}

/// URLs of pictures as they may be shown: what is behind the question mark may be a signature that opens them.
public enum ResultURL {
  /// The URL without query, fragment, user name and password.
  public static func shown(_ url: String) -> String {
    var shown = String(url.prefix { $0 != "?" && $0 != "#" })
    if let scheme = shown.firstRange(of: "://") {
      let rest = shown[scheme.upperBound...]
      let authority = rest.prefix { $0 != "/" }
      if let at = authority.lastIndex(of: "@") {
        shown = String(shown[..<scheme.upperBound] + rest[rest.index(after: at)...])
      }
    }
    return shown
  }
}
