/// What stands at a path.
public enum Sighting: Hashable, Sendable {
  /// A regular file; its age by the wall clock, from its change time.
  case file(FileStamp, age: Duration)
  /// Nothing.
  case missing
  /// A folder, FIFO, symbolic link, …: never taken.
  case notAFile(String)
  /// It cannot be looked at.
  case unreadable(JobError)
}

/// A prompt that is to be read, with its list.
public struct SourceQuery: Hashable, Sendable {
  /// The prompt and its list.
  public var prompt: FileKey, list: FileKey
  /// What was seen of both when they were last read: bytes are not wanted where they still are so.
  public var known: TakenStamp?
  /// Makes one.
  public init(prompt: FileKey, list: FileKey, known: TakenStamp? = nil) {
    (self.prompt, self.list, self.known) = (prompt, list, known)
  }
}

/// A prompt with all that decides on it, read in one go.
public struct SourceReading: Sendable {
  /// What stands at the prompt's path.
  public var prompt: Sighting
  /// Its bytes; nil where it is no readable file, is too large, changed under the reading, or where both are as they were
  /// known.
  public var promptBytes: [UInt8]?
  /// What stands at the list's path, or what stands for the list.
  public var list: Sighting
  /// The list's bytes; nil as above.
  public var listBytes: [UInt8]?
  /// Where the list stands: at its path, or under a name that is the same but for case and composition.
  public var listFile: FileKey?
  /// Files that may be meant as its list or its folders' defaults, and cannot be taken as such.
  public var unclear: [UnclearControl]
  /// The defaults of its folder and of those above it.
  public var defaults: [FolderDefaults]
  /// The prompt, its list or one of the defaults, where a program still has it open for writing. What was read of it is there
  /// all the same: a person may have let it pass.
  public var beingWritten: FileKey?
  /// The prompt's sidecar as `RootFiles.sidecar` has it, read last; nil inside where there is none, or no bytes were wanted.
  public var sidecar: Result<[UInt8]?, LocalTrouble>
  /// Makes a reading.
  public init(
    prompt: Sighting, promptBytes: [UInt8]?, list: Sighting, listBytes: [UInt8]?, listFile: FileKey? = nil,
    defaults: [FolderDefaults], unclear: [UnclearControl] = [], beingWritten: FileKey? = nil,
    sidecar: Result<[UInt8]?, LocalTrouble> = .success(nil)
  ) {
    self.prompt = prompt
    self.promptBytes = promptBytes
    self.list = list
    self.listBytes = listBytes
    self.listFile = listFile
    self.defaults = defaults
    self.beingWritten = beingWritten
    self.unclear = unclear
    self.sidecar = sidecar
  }
}

/// Files that may be meant as a prompt's list or a folder's defaults.
public struct UnclearControl: Hashable, Sendable {
  /// What it would be.
  public enum Role: Hashable, Sendable {
    /// The prompt's image list.
    case list
    /// The defaults of a folder.
    case defaults
  }
  /// Why that cannot be determined.
  public enum Why: Hashable, Sendable {
    /// Its name is not the right one; or there are several that might be.
    case name
    /// It has the right name, and is a folder, a symbolic link, …
    case notAFile(String)
    /// It has the right name and cannot be read.
    case unreadable(JobError)
  }
  /// What it would be.
  public var role: Role
  /// The files, in byte order.
  public var files: [FileKey]
  /// Why it is not clear.
  public var why: Why
  /// The bytes, where these decide whether it is meant at all; nil where the name says so.
  public var content: [UInt8]?
  /// Makes one.
  public init(_ role: Role, _ files: [FileKey], _ why: Why, content: [UInt8]? = nil) {
    (self.role, self.files, self.why, self.content) = (role, files, why, content)
  }
}

/// The defaults that stand in a folder: path of the file, and its bytes.
public typealias FolderDefaults = (file: FileKey, content: Result<[UInt8], LocalTrouble>)

/// A local reference image, looked at.
public enum ReferenceReading: Hashable, Sendable {
  /// A whole image.
  case image(FileStamp, age: Duration, sha256: String, bytes: Int, ImageInfo.Format)
  /// Not there (yet).
  case missing
  /// A program still has it open for writing.
  case beingWritten
  /// There, and wrong.
  case refused(JobError)
}

/// What stands in the place of a reference image whose name, as it is written, no file has.
public enum Lookalike: Hashable, Sendable {
  /// Nothing.
  case none
  /// The only file whose name is the same but for the composition of its letters.
  case same(FileKey)
  /// Several such files.
  case several([DropPath])
  /// A file whose name differs in case, or in what cannot be seen: perhaps it was meant.
  case similar(DropPath)
}

/// A local reference image, read to be sent.
public struct ReferenceContent: Hashable, Sendable {
  /// The whole file.
  public var bytes: [UInt8]
  /// Of these bytes, hexadecimal.
  public var sha256: String
  /// What they are.
  public var format: ImageInfo.Format
  /// Makes one.
  public init(bytes: [UInt8], sha256: String, format: ImageInfo.Format) {
    (self.bytes, self.sha256, self.format) = (bytes, sha256, format)
  }
}

/// The files of the watched roots. Everything goes through the root's own descriptor, never follows a symbolic link,
/// and never leaves the root.
public protocol RootFiles: Sendable {
  /// Reads prompts, each with all that decides on it. No more than `limit` bytes a file.
  func readSources(_ files: [SourceQuery], limit: Int) async -> [SourceReading]
  /// Looks at a path.
  func look(_ file: FileKey) async -> Sighting
  /// Looks at a prompt and its list for the last time before the request is sent.
  func lookBeforeSending(_ prompt: FileKey, list: FileKey) async -> LastLook
  /// Looks at a reference image. `evenIfOpen`: also at one that a program has open for writing.
  func readReference(_ file: FileKey, limit: Int, evenIfOpen: Bool) async -> ReferenceReading
  /// What is there instead of a reference image that is not.
  func lookalike(of reference: FileKey) async -> Lookalike
  /// Reads a reference image to be sent; nil where a program has it open for writing, unless `evenIfOpen`. Throws where it is
  /// gone, is being changed or is no whole image.
  func referenceContent(
    _ file: FileKey, limit: Int, evenIfOpen: Bool
  ) async throws(LocalTrouble) -> ReferenceContent?
  /// Where it cannot be seen whether a program has a file open for writing.
  var blindSpots: [BlindSpot] { get }
  /// The defaults of the file's folder and of those above it, the nearest first.
  func folderDefaults(above file: FileKey, limit: Int) async -> [FolderDefaults]
  /// Whether a sync tool's mark stands in the file's folder or in one above it, above the root included.
  func hasSyncMark(above file: FileKey) async -> Bool
  /// The status sidecar of a prompt, where there is one of promptdrop's.
  func sidecar(of prompt: FileKey) async throws(LocalTrouble) -> [UInt8]?
  /// Replaces the sidecar of a prompt. Durable: synced, file and folder, on return.
  func writeSidecar(_ bytes: [UInt8], of prompt: FileKey, durable: Bool) async throws(LocalTrouble)
  /// Removes the sidecar of a prompt that is gone, where it is promptdrop's.
  func removeSidecar(of prompt: FileKey) async throws(LocalTrouble)
  /// Begins a temporary file in the prompt's folder.
  func stage(beside prompt: FileKey) async throws(LocalTrouble) -> any StagedFile
  /// Renames within the prompt's folder; false when the name is taken. Durable: the folder is synced on return, else not
  /// before `syncFolder`.
  func rename(
    _ from: [UInt8], to: [UInt8], beside prompt: FileKey, durable: Bool
  ) async throws(LocalTrouble) -> Bool
  /// Moves a file from beside one prompt to beside another, perhaps of another folder, where it was not: false when the
  /// name is taken or there is nothing to move. Durable on return, in both folders.
  func move(
    _ name: [UInt8], from former: FileKey, to new: [UInt8], beside prompt: FileKey
  ) async throws(LocalTrouble) -> Bool
  /// Whether pictures can be put beside the prompt: its folder is there and on the device given, or the prompt itself is
  /// there. Nil for the device: any.
  func hasPlace(beside prompt: FileKey, device: UInt64?) async -> Bool
  /// Begins a temporary file in the state folder, for a picture whose place is not there.
  func stageKept() async throws(LocalTrouble) -> any StagedFile
  /// Gives what was staged there its name. Durable on return. The path, for people.
  func keep(_ temporary: [UInt8], as name: [UInt8]) async throws(LocalTrouble)
  /// Copies a kept picture to a temporary name beside its prompt; durable but for the folder. The temporary name.
  func takeOut(_ kept: [UInt8], beside prompt: FileKey) async throws(LocalTrouble) -> [UInt8]
  /// Removes a kept picture.
  func removeKept(_ name: [UInt8]) async
  /// Puts bytes, whatever they are, into the state folder, in place of what has the name. For its owner alone; durable on
  /// return.
  func keepBytes(_ bytes: [UInt8], as name: [UInt8]) async throws(LocalTrouble)
  /// The same for what came and is no picture, while there are fewer than `most` of such files, or it takes the place of
  /// one. False: there are enough.
  func keepOdd(_ bytes: [UInt8], as name: [UInt8], most: Int) async throws(LocalTrouble) -> Bool
  /// Where kept pictures are: an absolute path.
  var keptFolder: String { get }
  /// Makes the names in the prompt's folder durable.
  func syncFolder(of prompt: FileKey) async throws(LocalTrouble)
  /// SHA-256 of a file beside the prompt, hexadecimal; nil where there is no regular file.
  func digest(_ name: [UInt8], beside prompt: FileKey) async throws(LocalTrouble) -> String?
  /// Removes a temporary file of promptdrop's, if it is there.
  func removeTemporary(_ file: FileKey) async
  /// Begins every temporary name that this process makes.
  var temporaryPrefix: [UInt8] { get }
  /// Every prompt in a folder and below it, as the watcher would find them. Throws where the folder cannot be read.
  func prompts(below folder: FileKey) async throws(LocalTrouble) -> FoundPrompts
}

/// What a look through a folder found.
public struct FoundPrompts: Sendable {
  /// The prompts.
  public var prompts: [FileKey] = []
  /// Names that writers give to prompts' lists before they are complete, by the prompt.
  public var listsOnTheirWay: [FileKey: Set<[UInt8]>] = [:]
  /// Nothing found.
  public init() {}
}

/// A temporary file that becomes a picture.
public protocol StagedFile: Sendable {
  /// Adds bytes.
  func append(_ bytes: [UInt8]) async throws(LocalTrouble)
  /// Checks that it is an image, and makes it durable under its temporary name. One of a known format that is damaged is
  /// staged as well, and says so. What failed is discarded by the caller.
  func finish() async throws(LocalTrouble) -> Result<StagedImage, ImageDefect>
  /// The bytes that came, where they are no more than `limit`: for what is no image. Nil for more, and after `finish` found
  /// an image.
  func content(limit: Int) async throws(LocalTrouble) -> [UInt8]?
  /// Throws it away.
  func discard() async
}

/// A picture under its temporary name.
public struct StagedImage: Hashable, Sendable {
  /// The temporary name.
  public var temporary: [UInt8]
  /// SHA-256 of its bytes, hexadecimal.
  public var sha256: String
  /// Its size in bytes.
  public var bytes: Int
  /// What it is.
  public var info: ImageInfo
  /// What is wrong with it; nil for a whole one.
  public var defect: ImageDefect?
  /// Makes one.
  public init(temporary: [UInt8], sha256: String, bytes: Int, info: ImageInfo, defect: ImageDefect? = nil) {
    self.temporary = temporary
    self.sha256 = sha256
    self.bytes = bytes
    self.info = info
    self.defect = defect
  }
}

/// The machine's own trouble with a file: a full disk, a read-only folder, missing rights.
public struct LocalTrouble: Error, Hashable, Sendable {
  /// For the user.
  public var error: JobError
  /// Whether the process has to end, because what is on the disk is no longer known (a folder that would not sync).
  public var isFatal: Bool
  /// Makes one.
  public init(_ error: JobError, isFatal: Bool = false) {
    self.error = error
    self.isFatal = isFatal
  }
}
