import JobCore

/// What is to be reported, until it is handed out.
struct FolderNews {
  private var events: [FolderEvent] = []
  // Troubles that were said since everything was looked through last.
  private var said: Set<String> = []

  // Of thousands of files that come at once, the first are submitted while the events of the last are being read.
  private static let part = 256

  /// Whether there are enough of them to be reported before more events are read.
  var isPart: Bool { events.count >= Self.part }

  mutating func add(_ event: FolderEvent) { events.append(event) }

  mutating func add(_ more: [FolderEvent]) { events += more }

  mutating func say(_ error: JobError) { events.append(.trouble(error)) }

  /// Says it unless it was said since everything was looked through last. `place`: where it is said once for each place.
  mutating func sayOnce(_ error: JobError, at place: String = "") {
    if said.insert("\(error.code.rawValue) \(place)").inserted { say(error) }
  }

  /// Everything is looked through: what is still wrong is said again.
  mutating func beginAnew() { said = [] }

  /// The events, which are reported by whoever takes them.
  mutating func take() -> [FolderEvent] {
    defer { events = [] }
    return events
  }
}
