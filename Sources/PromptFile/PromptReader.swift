import SHA2
import FoundationEssentials
import JobCore

/// Reads what users write: prompts with front matter, image lists, folder defaults; and sidecars.
public struct PromptReader: PromptReading {
  /// What is not in the files.
  public struct Options: Sendable {
    /// The model where neither the front matter nor the folder names one.
    public var model: String
    /// This agent's name, which a folder's `owner` is compared with.
    public var agentName: String
    /// Whether a word stands for this agent: an `owner` may be one by itself, or end with one after an `@`.
    public var isMine: @Sendable (String) -> Bool
    /// Patterns that are never taken, relative to the root.
    public var exclude: [String]
    /// The absolute paths of the roots, as far as they are known: no pattern can begin with one.
    public var roots: [RootID: [UInt8]]
    /// Makes options.
    public init(
      model: String, agentName: String, exclude: [String] = [], roots: [RootID: [UInt8]] = [:],
      isMine: @escaping @Sendable (String) -> Bool = { _ in false }
    ) {
      self.roots = roots
      self.model = model
      self.isMine = isMine
      self.agentName = agentName
      self.exclude = exclude
    }
  }

  let options: Options
  // What is wrong with a configuration's patterns is said before an agent is made; here it keeps prompts from being taken.
  private let exclude: Result<ExcludeRules, JobError>
  // What the defaults of folders were found to say.
  private let inherited = Memo<[Defaults], Result<Inherited, JobError>>()
  private let owners = Memo<[[UInt8]], String?>()
  private let fingerprints = Memo<[[UInt8]], UInt64>()
  // Of settings alone: most folders have no defaults.
  private let bareFingerprint: UInt64

  // One folder's defaults.
  private struct Defaults: Equatable {
    let place: FileKey
    let bytes: [UInt8]
  }

  // What the defaults of a folder and of those above it say together.
  private struct Inherited {
    var settings = RequestSettings()
    // The places with patterns, the nearest first, and their rules.
    var excludes: (places: [FileKey], rules: Result<[ExcludeRules], JobError>) = ([], .success([]))
  }

  /// Makes a reader.
  public init(_ options: Options) {
    self.options = options
    do throws(JobError) {
      exclude = .success(try ExcludeRules(options.exclude, in: .root))
    } catch {
      exclude = .failure(error)
    }
    bareFingerprint = Self.fingerprint(Self.settings(options))
  }

  /// Understands a prompt. Besides the codes for what is wrong: `empty` (no text yet), `excluded`, `other-owner`.
  public func understand(
    prompt bytes: [UInt8], list: [UInt8]?, file: FileKey, defaults: [(FileKey, [UInt8])]
  ) throws(JobError) -> PromptRequest {
    if ExcludeRules.place(that: file.path, by: [try exclude.get()]) != nil { throw Self.excluded("the configuration") }
    let inherited = try defaults.isEmpty ? Inherited() : inherit(defaults)
    if let owner = inherited.settings.owner, whose(owner) == .other {
      throw JobError(
        code: .otherOwner,
        message: "The folder belongs to the agent \"\(owner)\"; this one is \"\(options.agentName)\".",
        hint: "To give the folder to this agent, run `promptdrop own` with the path of the folder.")
    }
    if let index = ExcludeRules.place(that: file.path, by: try inherited.excludes.rules.get()) {
      throw Self.excluded(inherited.excludes.places[index].path.display)
    }
    let text = try PromptText(bytes)
    var own = RequestSettings()
    if let yaml = text.frontMatter {
      own = try RequestSettings(
        yaml: yaml, keys: RequestSettings.frontMatterKeys, place: "The front matter", source: .frontMatter)
    }
    guard !text.prompt.isEmpty else {
      throw JobError(
        code: .empty, message: "The file has no prompt in it yet.", hint: "Write the prompt and save the file.",
        retryable: true)
    }
    let lines = try list.map { bytes throws(JobError) in try ListedImages.lines(bytes) }
    var images: [PromptRequest.ListedImage] = []
    for entry in (own.images ?? []) + (lines ?? []) {
      images.append(try ListedImages.resolve(entry, beside: file.path))
    }
    guard images.count <= ListedImages.limit else {
      throw JobError(
        code: .tooManyImages,
        message: "\(images.count) reference images are listed; the service takes \(ListedImages.limit) at most.",
        hint: "Take \(images.count - ListedImages.limit) away.")
    }
    let wanted = own.filled(from: inherited.settings)
    var doubts: [Doubt] = []
    if let problem = wanted.problem { doubts.append(.wrong(problem)) }
    if let meant = text.meantFrontMatter { doubts.append(meant.doubt) }
    let snapshot = Snapshot(
      prompt: text.prompt, model: wanted.model ?? options.model, aspectRatio: wanted.aspectRatio,
      imageSize: wanted.imageSize, extra: wanted.extra ?? [:], owner: wanted.owner)
    return PromptRequest(
      snapshot: snapshot, images: images, promptSHA: digest(text.prompt), sourceSHA: sourceHash(text.prompt, own),
      listSHA: lines.map { digest($0.joined(separator: "\n")) }, count: wanted.count ?? 1, hold: wanted.hold ?? false,
      requireImages: wanted.requireImages ?? false, ownCount: own.count ?? 1, doubts: doubts)
  }

  /// The first eight bytes of a SHA-256 over settings and defaults. Who this agent is makes no request another one.
  public func fingerprint(_ defaults: [[UInt8]]) -> UInt64 {
    if defaults.isEmpty { return bareFingerprint }
    return fingerprints.answer(defaults) { Self.fingerprint(Self.settings(options) + $0) }
  }

  private static func settings(_ options: Options) -> [[UInt8]] {
    ([options.model] + options.exclude).map { Array($0.utf8) }
  }

  /// The same with what was seen of the reference images.
  public func fingerprint(_ inputs: UInt64, references: [FileStamp?]) -> UInt64 {
    Self.fingerprint(
      [Array("\(inputs)".utf8)]
        + references.map { stamp in
          Array((stamp.map { "\($0.inode) \($0.size) \($0.modified) \($0.changed)" } ?? "").utf8)
        })
  }

  private static func fingerprint(_ parts: [[UInt8]]) -> UInt64 {
    var hash = SHA256()
    for part in parts {
      hash.update(data: part)
      hash.update(data: [0])
    }
    return hash.finalize().prefix(8).reduce(0) { $0 << 8 | UInt64($1) } | 1
  }

  /// By its lines: what is no valid YAML may be meant all the same.
  public func looksLikeDefaults(_ bytes: [UInt8]) -> Bool {
    guard let text = try? decodeText(bytes, what: "") else { return false }  // No text, so nothing of that kind.
    return text.split(whereSeparator: \.isNewline).contains { line in
      line.first?.isWhitespace == false && MeantFrontMatter.key(of: String(line), in: RequestSettings.folderKeys) != nil
    }
  }

  /// This agent's is its plain name, its word, and any name at its word. What has its name and another word is not.
  public func whose(_ owner: String) -> OwnerName {
    if owner == options.agentName || options.isMine(owner) { return .own }
    guard let at = owner.lastIndex(of: "@") else { return .other }
    if options.isMine(String(owner[owner.index(after: at)...])) { return .own }
    return owner[..<at] == options.agentName ? .namesake : .other
  }

  /// The nearest owner that is named.
  public func owner(_ defaults: [[UInt8]]) -> String? {
    if defaults.isEmpty { return nil }
    return owners.answer(defaults, Self.namedOwner)
  }

  private static func namedOwner(_ defaults: [[UInt8]]) -> String? {
    for bytes in defaults {
      do throws(JobError) {
        let reader = YAMLReader(place: "defaults", source: .folderDefaults)
        let entries = try reader.mapping(try decodeText(bytes, what: "defaults"))
        if let (key, node) = entries.last(where: { $0.0 == "owner" }) { return try reader.text(node, key) }
      } catch {
        return nil  // Whoever takes prompts by these defaults says what is wrong with them.
      }
    }
    return nil
  }

  /// SHA-256 of the request, local images by their hash.
  public func requestHash(_ snapshot: Snapshot) -> String {
    var writer = JSONWriter(capacity: snapshot.prompt.utf8.count + Self.roomForFields)
    writer.object { w in
      w.field("model", snapshot.model)
      w.field("prompt", snapshot.prompt)
      w.key("images")
      w.array(snapshot.images) { $0.string($1.url ?? $1.sha256.map { "sha256:\($0)" }) }
      w.field("aspect_ratio", snapshot.aspectRatio)
      w.field("image_size", snapshot.imageSize)
      w.key("extra")
      w.value(.object(snapshot.extra))
    }
    return sha256(writer.finish())
  }

  /// Reads a sidecar; nil for what is none of this version's.
  public func sidecar(_ bytes: [UInt8]) -> StatusSidecar? {
    guard StatusSidecar.isOurs(bytes) else { return nil }
    do {
      return try JSONDecoder().decode(StatusSidecar.self, from: Data(bytes))
    } catch {
      return nil  // Untrusted input: what cannot be read is not believed, and the caller goes on without it.
    }
  }

  // What a request without images and extra fields has besides its prompt.
  private static let roomForFields = 160

  /// SHA-256 of a text's UTF-8, hexadecimal.
  public func digest(_ text: String) -> String {
    var text = text
    return text.withUTF8 { utf8 in
      var hash = SHA256()
      hash.update(bufferPointer: UnsafeRawBufferPointer(utf8))
      return hash.finalize().hex
    }
  }

  // What makes a difference to the picture. `count`, `hold` and `require_images` do not: they are left out.
  private func sourceHash(_ prompt: String, _ own: RequestSettings) -> String {
    var writer = JSONWriter(capacity: prompt.utf8.count + Self.roomForFields)
    writer.object { w in
      w.field("prompt", prompt)
      w.field("model", own.model)
      w.field("aspect_ratio", own.aspectRatio)
      w.field("image_size", own.imageSize)
      w.key("images")
      w.array(own.images ?? []) { $0.string($1) }
      w.key("extra")
      w.value(.object(own.extra ?? [:]))
    }
    return sha256(writer.finish())
  }

  private func inherit(_ defaults: [(FileKey, [UInt8])]) throws(JobError) -> Inherited {
    try inherited.answer(defaults.map { Defaults(place: $0.0, bytes: $0.1) }) { defaults in
      do throws(JobError) { return .success(try together(defaults)) } catch { return .failure(error) }
    }.get()
  }

  private func together(_ defaults: [Defaults]) throws(JobError) -> Inherited {
    var inherited = Inherited()
    var excludes: [(place: FileKey, patterns: [String])] = []
    for defaults in defaults {
      let folder = try settings(of: defaults.place, defaults.bytes)
      if let patterns = folder.exclude { excludes.append((defaults.place, patterns)) }
      inherited.settings = inherited.settings.filled(from: folder)
    }
    // What is wrong with a pattern is said only of a folder that is this agent's.
    do throws(JobError) {
      inherited.excludes = (excludes.map(\.place), .success(try rules(excludes)))
    } catch {
      inherited.excludes = ([], .failure(error))
    }
    return inherited
  }

  func settings(of place: FileKey, _ bytes: [UInt8]) throws(JobError) -> RequestSettings {
    let text = try decodeText(bytes, what: "\(place.path.display)")
    return try RequestSettings(
      yaml: text, keys: RequestSettings.folderKeys, place: place.path.display, source: .folderDefaults)
  }

  private func rules(_ excludes: [(place: FileKey, patterns: [String])]) throws(JobError) -> [ExcludeRules] {
    var rules: [ExcludeRules] = []
    for (place, patterns) in excludes {
      do throws(JobError) {
        rules.append(try ExcludeRules(patterns, in: place.path.directory, root: options.roots[place.root]))
      } catch {
        var located = error
        located.message = "\(place.path.display): \(error.message)"
        throw located
      }
    }
    return rules
  }

  private static func excluded(_ by: String) -> JobError {
    JobError(code: .excluded, message: "Left out by a pattern of \"exclude\" in \(by).")
  }

  private func sha256(_ bytes: [UInt8]) -> String { SHA256.hash(data: bytes).hex }
}
