/// What an image's own bytes say of it.
public struct ImageInfo: Hashable, Sendable {
  /// The formats that promptdrop publishes, each under an ending of its own.
  public enum Format: String, Hashable, Sendable, CaseIterable {
    /// `image/png`, `image/jpeg`, `image/webp`: what models are asked for and what they are sent.
    case png, jpeg, webp
    /// `image/avif`, `image/gif`, `image/heic`, `image/jxl` (JPEG XL): what comes all the same is published all the same.
    case avif, gif, heic, jxl
    /// The usual extension, without the dot.
    public var fileExtension: String { self == .jpeg ? "jpg" : rawValue }
    /// The media type.
    public var mediaType: String { "image/\(rawValue)" }
    /// Whether the service takes it as a reference image.
    public var isForReferences: Bool {
      switch self {
      case .png, .jpeg, .webp: true
      case .avif, .gif, .heic, .jxl: false
      }
    }
  }
  /// The format.
  public var format: Format
  /// In pixels; 0 where a damaged file does not tell.
  public var width: Int
  /// In pixels; 0 where a damaged file does not tell.
  public var height: Int

  /// Makes one.
  public init(format: Format, width: Int, height: Int) {
    self.format = format
    self.width = width
    self.height = height
  }
}

/// Checks a whole image: format and size from its bytes, and that its end is there. Throws what is wrong with it.
public typealias ImageCheck = @Sendable (UnsafeRawBufferPointer) -> Result<ImageInfo, ImageDefect>

/// Says what an image is that is not whole, as far as its beginning says; nil for what begins like no known format.
public typealias ImageGlance = @Sendable (UnsafeRawBufferPointer) -> ImageInfo?

/// What is wrong with an image's bytes.
public enum ImageDefect: Error, Hashable, Sendable {
  /// None of the known formats.
  case unknownFormat
  /// It begins well and ends too early.
  case truncated
  /// Its structure or its dimensions make no sense.
  case malformed(String)
}

extension ImageDefect {
  /// The end of a sentence that begins with the image's name. Of an unknown format, what is said of reference images.
  public var words: String {
    switch self {
    case .unknownFormat: "is not a PNG, JPEG or WebP image"
    case .truncated: "ends too early"
    case .malformed(let why): "is damaged: \(why)"
    }
  }
}
