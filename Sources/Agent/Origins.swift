import JobCore

/// Where files come from: which are missing and since when, which names the kernel said that prompts were given, and which
/// files wait as copies of which. All times are monotonic.
struct OriginTracker {
  private var goneSince: [FileKey: Duration] = [:]
  private var renames = Renames()
  private var copiesOf: [FileKey: Set<FileKey>] = [:]
  private var copiedSince: [FileKey: (Duration, from: FileKey)] = [:]
  /// Whose turn it is among files with one text.
  var turns = TextTurns()

  // Beyond this many, their folders are kept in mind instead.
  private static let mostGone = 4096
  // The very file that was renamed goes before copies of it, and one with the same list before one that has lost its list.
  private static let precedence: Duration = .seconds(1)

  /// A job whose file another one may be.
  struct Candidate {
    var job: Job
    var file: FileKey
    /// The kernel reported the rename; else only the text is the same.
    var isFromKernel: Bool
    /// Whether the other file has lost the list that the job has: then it is the job's only if no better one comes.
    var hasLostList: Bool
    /// Whether the file is missing. Else it is there, and the other one a copy of it.
    var isMissing: Bool
  }

  /// Whether a file is a candidate's under another name.
  enum Verdict {
    case isIt
    case isNot
    /// That cannot be determined before this time.
    case wait(until: Duration)
  }

  // MARK: what is heard of

  /// A file is there.
  mutating func isThere(_ file: FileKey) { goneSince[file] = nil }

  /// A file is gone: the files that wait as copies of it. Nil: too many are gone to remember each.
  mutating func gone(_ file: FileKey, at now: Duration) -> [FileKey]? {
    if goneSince.count > Self.mostGone { goneSince = goneSince.filter { now - $0.value < .seconds(60) } }
    guard goneSince.count <= Self.mostGone else { return nil }
    goneSince[file] = now
    return Array(copiesOf.removeValue(forKey: file) ?? [])
  }

  /// A prompt was renamed. Beyond `most`, earlier ones are forgotten: what is not taken at all would stay here for ever.
  mutating func renamed(from: FileKey, to: FileKey, most: Int) {
    if renames.count > most { renames = Renames() }
    renames.add(from: from, to: to)
  }

  /// What a file was called before it was renamed, perhaps several times.
  func former(of file: FileKey) -> FileKey? { renames.former(of: file) }

  /// Whether the file was neither renamed nor taken for a copy, as far as is known.
  func isUnheard(of file: FileKey) -> Bool { former(of: file) == nil && copiedSince[file] == nil }

  /// What a file of that name is called now.
  func name(of former: FileKey) -> FileKey? { renames.name(of: former) }

  // MARK: decided

  /// Whether a file is the candidate's under another name. `grace`: for how long a copy waits for its source to vanish.
  mutating func weigh(
    _ candidate: Candidate, for file: FileKey, _ stamp: FileStamp, absence: Duration, grace: Duration, at now: Duration
  ) -> Verdict {
    guard candidate.isMissing else {
      let since = copiedSince[file]?.0 ?? now
      guard now < since + grace else { return .isNot }
      if copiedSince[file] == nil {
        copiedSince[file] = (since, candidate.file)
        copiesOf[candidate.file, default: []].insert(file)
      }
      return .wait(until: since + grace)
    }
    let since = goneSince[candidate.file] ?? now
    goneSince[candidate.file] = since
    // A new file may have the inode of one that is gone.
    let isSame = candidate.job.stamp.map { $0.prompt.isSameFile(as: stamp) } ?? false
    let isCertain = candidate.isFromKernel || isSame && !candidate.hasLostList
    let end = since + absence + Self.precedence * (isCertain ? 0 : candidate.hasLostList ? 2 : 1)
    guard now >= end else { return .wait(until: end) }
    // That it was renamed is forgotten once the job has followed: until then no other file may take it for its own.
    forgetCopy(file)
    goneSince[candidate.file] = nil
    return .isIt
  }

  /// Whether the file waits as a copy of another one.
  func isCopy(_ file: FileKey, of source: FileKey) -> Bool { copiedSince[file]?.from == source }

  /// A folder was renamed. `follow`: what a file in it is called now; nil: it is not in it.
  mutating func folderMoved(_ follow: (FileKey) -> FileKey?) {
    func place(_ file: FileKey) -> FileKey { follow(file) ?? file }
    renames.folderMoved(place)
    goneSince = Dictionary(goneSince.map { (place($0.key), $0.value) }, uniquingKeysWith: min)
    copiedSince = Dictionary(
      copiedSince.map { (place($0.key), ($0.value.0, place($0.value.from))) }, uniquingKeysWith: { first, _ in first })
    copiesOf = Dictionary(
      copiesOf.map { (place($0.key), Set($0.value.map(place))) }, uniquingKeysWith: { $0.union($1) })
  }

  /// Its job has followed it to this name.
  mutating func followed(_ file: FileKey) { renames.remove(file) }

  /// Nothing has to be known any more of where the file came from.
  mutating func forget(_ file: FileKey) {
    renames.remove(file)
    forgetCopy(file)
  }

  private mutating func forgetCopy(_ file: FileKey) {
    guard let (_, source) = copiedSince.removeValue(forKey: file), copiesOf[source]?.remove(file) != nil else { return }
    if copiesOf[source]?.isEmpty == true { copiesOf[source] = nil }
  }
}
