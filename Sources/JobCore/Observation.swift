/// What was seen of a prompt file and of all that decides on it. A value: gathering it reads and waits, deciding by it
/// does not.
public struct Observation: Sendable {
  /// The prompt.
  public let file: FileKey
  /// What stands at its path.
  public let prompt: Sighting
  /// What stands at its list's path, or what stands for the list.
  public let list: Sighting
  /// Where the list stands: at its path, or under a name that is nearly the same.
  public let listFile: FileKey?
  /// The fingerprint of settings, defaults and unclear control files.
  public let inputs: UInt64
  /// Whether the prompt's and the list's bytes were read.
  public let isRead: (prompt: Bool, list: Bool)
  /// Whether bytes were wanted. Else they were only where a stamp was not the known one.
  public let isFull: Bool
  /// The prompt, its list or one of the defaults, where a program still has it open for writing.
  public let beingWritten: FileKey?
  /// Files that may be meant as its list or as defaults, and cannot be taken as such.
  public let unclear: [UnclearControl]
  /// The list and the defaults that have nothing in them, not even a comment.
  public let emptyControls: (list: FileKey?, defaults: [FileKey])
  /// What its sidecar tells, as untrusted input; nil inside where there is none.
  public let sidecar: Result<StatusSidecar?, JobError>
  /// Whose its folder is.
  public let belonging: Belonging
  /// Whether a sidecar in a folder that is nobody's may be this agent's own all the same.
  public let isSidecarPerhapsOurs: Bool
  /// Whether an exclude pattern left it out by the rules of earlier versions, in a root that such a version watched.
  public let wasExcluded: Bool
  /// Whether another program is writing its list, under a temporary name.
  public let isListOnItsWay: Bool

  /// Whether prompt and list have been still for long enough to be read.
  public var isSettled: Fact<Bool> = .notAsked
  /// Whether they have been still for long enough for a change to a file that was taken before.
  public var isRevisionSettled: Fact<Bool> = .notAsked
  /// Whether the same name with its ending in lower case stands beside it.
  public var isPlainNameThere: Fact<Bool> = .notAsked
  /// Whether the prompt or list that the file would be a sync tool's copy of is there, or was.
  public var isOriginalThere: Fact<Bool> = .notAsked
  /// What the prompt asks for, or what is wrong with it, its list or its defaults.
  public var understood: Fact<Result<PromptRequest, JobError>> = .notAsked
  /// What it asks for without list and defaults whose names are not the exact ones; nil where there are none, or where it
  /// is wrong by itself.
  public var understoodExactly: Fact<PromptRequest?> = .notAsked
  /// Its reference images.
  public var references: Fact<ReferencesSeen> = .notAsked
  /// `inputs` with what stands now at the paths of the reference images that the current revision was taken with.
  public var referenceInputs: Fact<UInt64> = .notAsked
  /// Where it comes from.
  public var origin: Fact<Origin> = .notAsked

  /// Makes an observation of a file.
  public init(
    file: FileKey, prompt: Sighting, list: Sighting = .missing, listFile: FileKey? = nil, inputs: UInt64 = 0,
    isRead: (prompt: Bool, list: Bool) = (false, false), isFull: Bool = true, beingWritten: FileKey? = nil,
    unclear: [UnclearControl] = [], emptyControls: (list: FileKey?, defaults: [FileKey]) = (nil, []),
    sidecar: Result<StatusSidecar?, JobError> = .success(nil), belonging: Belonging = .own,
    isSidecarPerhapsOurs: Bool = false, wasExcluded: Bool = false, isListOnItsWay: Bool = false
  ) {
    self.file = file
    self.prompt = prompt
    self.list = list
    self.listFile = listFile
    self.inputs = inputs
    self.isRead = isRead
    self.isFull = isFull
    self.beingWritten = beingWritten
    self.unclear = unclear
    self.emptyControls = emptyControls
    self.sidecar = sidecar
    self.belonging = belonging
    self.isSidecarPerhapsOurs = isSidecarPerhapsOurs
    self.wasExcluded = wasExcluded
    self.isListOnItsWay = isListOnItsWay
  }

  /// The stamp of prompt, list and inputs; nil where no regular file stands at the path.
  public var stamp: TakenStamp? {
    prompt.stamp.map { TakenStamp(prompt: $0, list: list.stamp, inputs: inputs) }
  }

  /// One stamp for prompt and list, which settle together: a change of either is a change.
  public var settlingStamp: FileStamp? {
    guard var both = prompt.stamp else { return nil }
    both.changed = max(both.changed, list.stamp?.changed ?? .min)
    both.size += list.stamp?.size ?? 0
    return both
  }

  /// For how long prompt and list have been as they are, by the wall clock.
  public var stillFor: Duration {
    switch (prompt, list) {
    case (.file(_, let age), .file(_, let listAge)): min(age, listAge)
    case (.file(_, let age), _): age
    default: .zero
    }
  }

  /// Whether the prompt's list has a name that is only nearly the right one.
  public var hasNearList: Bool { listFile.map { $0 != DropNames.list(of: file) } ?? false }
}

/// The reference images of a request, looked at.
public enum ReferencesSeen: Hashable, Sendable {
  /// All are there and at rest (or there are none).
  case complete(Complete)
  /// These are not there: each in words, for people.
  case missing([String])
  /// A program still has this one open for writing.
  case beingWritten(FileKey)
  /// One is there, and wrong.
  case refused(JobError)
  /// One is still changing.
  case moving

  /// What the request is with its images.
  public struct Complete: Hashable, Sendable {
    /// The images, in order, local ones with their hashes.
    public var images: [ImageInput]
    /// The hash of what is sent.
    public var requestSHA: String
    /// `Observation.inputs` with what was seen of the local images; the same where there are none.
    public var inputs: UInt64
    /// Whether one was found under a name that is spelled in another way.
    public var isFoundByLookalike: Bool
    /// Makes one.
    public init(images: [ImageInput], requestSHA: String, inputs: UInt64, isFoundByLookalike: Bool = false) {
      self.images = images
      self.requestSHA = requestSHA
      self.inputs = inputs
      self.isFoundByLookalike = isFoundByLookalike
    }
  }
}

extension Sighting {
  /// The stamp, where a regular file stands there.
  public var stamp: FileStamp? { if case .file(let stamp, _) = self { stamp } else { nil } }
}

extension DropNames {
  /// Where the image list of a prompt would stand.
  public static func list(of prompt: FileKey) -> FileKey { prompt.sibling(imageList(stem: stemOrName(prompt))) }

  /// The stem of a prompt or conflict copy; the whole name of anything else.
  public static func stemOrName(_ file: FileKey) -> [UInt8] { stem(file.path.name) ?? file.path.name }
}
