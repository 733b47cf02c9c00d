import Glibc
import JobCore
import Synchronization

/// Who this agent is, in two small files of the state folder that have nothing to do with the journal, so that they
/// survive its loss.
///
/// `identity` is text: the line `promptdrop identity 1`, `id WORD`, and `formerly WORD` for each word that earlier
/// versions had for this agent's machine. It is written once, and replaced only by `renew`.
///
/// `identity-runs` has 8 random bytes for each run that has written anything into a folder. A run is called `N-HEX`: its
/// place in the file, from 1, and its bytes. Two copies of a state begin the same place with other bytes.
public final class IdentityFile: AgentIdentity {
  /// The name of the file with the id.
  public static let name = "identity"
  static let runsName = "identity-runs"
  private static let head = "promptdrop identity 1"
  private static let record = 8

  private struct State {
    var id: String
    var formerly: Set<String>
    var run: String?
    var known: Set<String> = []
  }
  private let folder: StateFolder
  private let state: Mutex<State>

  /// Reads the identity of a locked state folder; nil where it has none yet. Throws `JournalError`.
  public init?(existingIn folder: StateFolder) throws(JournalError) {
    guard let text = try Self.read("\(folder.path)/\(Self.name)") else { return nil }
    var words: [String: [String]] = [:]
    for line in text.split(separator: "\n").dropFirst() {
      let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
      if parts.count == 2 { words[parts[0], default: []].append(parts[1]) }
    }
    guard text.hasPrefix(Self.head + "\n"), let id = words["id"]?.first, Self.isWord(id) else {
      throw .broken(
        "\(folder.path)/\(Self.name) is damaged. Move it away, and start again. promptdrop is then another agent: give it "
          + "the folders with `promptdrop own FOLDER`")
    }
    self.folder = folder
    state = Mutex(State(id: id, formerly: Set(words["formerly"] ?? [])))
  }

  /// Makes the identity of a state folder that has none. `formerly`: the words that earlier versions had for this agent.
  /// Throws `JournalError`.
  public init(newIn folder: StateFolder, formerly: Set<String>) throws(JournalError) {
    let id = Self.newWord()
    try Self.write(id, formerly, folder)
    self.folder = folder
    state = Mutex(State(id: id, formerly: formerly))
  }

  /// The id.
  public var id: String { state.withLock { $0.id } }

  /// Whether a word stands for this agent.
  public func isMine(_ word: String) -> Bool {
    state.withLock { $0.id == word || $0.formerly.contains(word) }
  }

  /// The word for this run.
  public func run() throws(LocalTrouble) -> String {
    let begun = state.withLock { state in
      Result<String, JournalError> { () throws(JournalError) in
        if let run = state.run { return run }
        let run = try beginRun()
        state.run = run
        state.known.insert(run)
        return run
      }
    }
    switch begun {
    case .success(let run): return run
    case .failure(let error): throw Self.trouble(error)
    }
  }

  /// Whether the state has had a run of this name.
  public func knows(run: String) -> Bool {
    state.withLock { state in
      if state.known.contains(run) { return true }
      guard let (place, bytes) = Self.parse(run), recorded(at: place) == bytes else { return false }
      state.known.insert(run)
      return true
    }
  }

  /// Makes it another agent.
  public func renew() throws(LocalTrouble) {
    let renewed = state.withLock { state in
      Result<Void, JournalError> { () throws(JournalError) in
        let id = Self.newWord()
        try Self.write(id, [], folder)
        // The new one has had no run yet. What is left of the old one's, should this fail, says nothing about it.
        try folder.remove(Self.runsName)
        try folder.sync()
        state = State(id: id, formerly: [])
      }
    }
    if case .failure(let error) = renewed { throw Self.trouble(error) }
  }

  // MARK: the files

  private func beginRun() throws(JournalError) -> String {
    let path = "\(folder.path)/\(Self.runsName)"
    let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw Self.failure("open", path) }
    defer { close(file) }
    let size = lseek(file, 0, SEEK_END)
    // A record that was not written in whole belongs to a run that wrote nothing.
    let place = Int(size) / Self.record
    var bytes = [UInt8](repeating: 0, count: Self.record)
    for index in bytes.indices { bytes[index] = .random(in: 0...255) }
    guard size >= 0, pwrite(file, bytes, Self.record, off_t(place * Self.record)) == Self.record, fsync(file) == 0
    else { throw Self.failure("write", path) }
    if place == 0 { try folder.sync() }
    return "\(place + 1)-\(bytes.hex)"
  }

  private func recorded(at place: Int) -> [UInt8]? {
    let file = open("\(folder.path)/\(Self.runsName)", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: Self.record)
    guard pread(file, &bytes, Self.record, off_t((place - 1) * Self.record)) == Self.record else { return nil }
    return bytes
  }

  private static func parse(_ run: String) -> (place: Int, bytes: [UInt8])? {
    let parts = run.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let place = Int(parts[0]), (1...Int(Int32.max)).contains(place), isWord(String(parts[1]))
    else { return nil }
    let digits = Array(parts[1])
    let bytes = stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...($0 + 1)]), radix: 16) }
    return bytes.count == record ? (place, bytes) : nil
  }

  private static func isWord(_ text: String) -> Bool {
    let (digits, letters) = (UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"))
    return text.utf8.count == 16 && text.utf8.allSatisfy { digits.contains($0) || letters.contains($0) }
  }

  private static func newWord() -> String { (0..<8).map { _ in UInt8.random(in: 0...255) }.hex }

  private static func read(_ path: String) throws(JournalError) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      if errno == ENOENT { return nil }
      throw failure("open", path)
    }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let got = Glibc.read(file, &bytes, bytes.count)
    guard got >= 0 else { throw failure("read", path) }
    return String(decoding: bytes[..<got], as: UTF8.self)
  }

  private static func write(_ id: String, _ formerly: Set<String>, _ folder: StateFolder) throws(JournalError) {
    let lines = [head, "id \(id)"] + formerly.sorted().map { "formerly \($0)" }
    let bytes = Array((lines.joined(separator: "\n") + "\n").utf8)
    let temporary = "\(folder.path)/\(name).new"
    let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw failure("write", temporary) }
    let isWritten = Glibc.write(file, bytes, bytes.count) == bytes.count
    close(file)
    guard isWritten else { throw failure("write", temporary) }
    try folder.publish("\(name).new", as: name)
  }

  private static func failure(_ what: String, _ path: String) -> JournalError {
    .full("cannot \(what) \(path): \(String(cString: strerror(errno)))")
  }

  private static func trouble(_ error: JournalError) -> LocalTrouble {
    let why =
      switch error {
      case .full(let why), .broken(let why): why
      }
    return LocalTrouble(
      JobError(
        code: .stateNotWritable, message: "The agent's identity cannot be written: \(why).",
        hint: "Make room in the state folder, or make it writable; promptdrop goes on by itself.", retryable: true))
  }
}
