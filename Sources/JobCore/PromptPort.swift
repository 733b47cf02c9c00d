/// What a prompt file says.
public struct PromptRequest: Hashable, Sendable {
  /// The reference images as listed, URLs and paths.
  public enum ListedImage: Hashable, Sendable {
    /// An http(s) URL.
    case url(String)
    /// A path below the root.
    case local(DropPath)
  }
  /// The frozen request; its `images` are filled in once the local files were read.
  public var snapshot: Snapshot
  /// The listed images, 4 at most.
  public var images: [ListedImage]
  /// The hashes, but for `request`, which needs the local files'.
  public var promptSHA: String, sourceSHA: String, listSHA: String?
  /// How many pictures.
  public var count: Int
  /// Whether it waits for a person.
  public var hold: Bool
  /// Whether it waits for its image list.
  public var requireImages: Bool
  /// How many pictures the prompt itself asks for: a changed default makes none of what was taken before.
  public var ownCount: Int
  /// What speaks against taking it, in the text or the defaults.
  public var doubts: [Doubt]
  /// Makes one.
  public init(
    snapshot: Snapshot, images: [ListedImage], promptSHA: String, sourceSHA: String, listSHA: String?, count: Int,
    hold: Bool, requireImages: Bool, ownCount: Int? = nil, doubts: [Doubt] = []
  ) {
    self.snapshot = snapshot
    self.images = images
    self.promptSHA = promptSHA
    self.sourceSHA = sourceSHA
    self.listSHA = listSHA
    self.count = count
    self.hold = hold
    self.requireImages = requireImages
    self.ownCount = ownCount ?? count
    self.doubts = doubts
  }
}

/// Reads what users write. Pure: bytes in, meaning out.
public protocol PromptReading: Sendable {
  /// Understands a prompt with its list and the defaults of its folders (nearest first). Throws what the user is shown;
  /// the code `empty` means that there is no text yet.
  func understand(
    prompt: [UInt8], list: [UInt8]?, file: FileKey, defaults: [(FileKey, [UInt8])]
  ) throws(JobError) -> PromptRequest
  /// Whether an exclude pattern left the file out by the rules of versions before the gitignore ones.
  func wasExcluded(_ file: FileKey, defaults: [(FileKey, [UInt8])]) -> Bool
  /// A fingerprint of the settings that requests are made with, and of the defaults of a folder; never 0. The same in each
  /// process.
  func fingerprint(_ defaults: [[UInt8]]) -> UInt64
  /// The fingerprint for a request with local reference images, given what was last seen of them; never 0.
  func fingerprint(_ inputs: UInt64, references: [FileStamp?]) -> UInt64
  /// Whether a file without the right name reads like a folder's defaults: it has a line with one of their keys.
  func looksLikeDefaults(_ bytes: [UInt8]) -> Bool
  /// Whose name an owner is.
  func whose(_ owner: String) -> OwnerName
  /// The owner that the defaults of a folder and of those above it name, the nearest first; nil where none is named. Other
  /// keys do not matter, wrong ones neither.
  func owner(_ defaults: [[UInt8]]) -> String?
  /// The hash of what is sent, local images by their hash.
  func requestHash(_ snapshot: Snapshot) -> String
  /// Reads a sidecar, untrusted; nil for what is none.
  func sidecar(_ bytes: [UInt8]) -> StatusSidecar?
  /// SHA-256 of a text's UTF-8, hexadecimal.
  func digest(_ text: String) -> String
}

extension JobError: Error {}
