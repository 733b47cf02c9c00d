// Internal parts are reached with `@testable`, which a release build does not allow: there, these targets do not exist.
#if DEBUG
  import JobCore

  /// One kind of input that strangers write, and what has to hold of it.
  public struct FuzzTarget: Sendable {
    /// Its name: of its folder of seeds, of its dictionary, and for `Tests/run-fuzzers`.
    public let name: String
    /// The longest input that is made, in bytes.
    public let maxLength: Int
    private let property: @Sendable (UnsafeRawBufferPointer) throws -> Void

    init(_ name: String, maxLength: Int, _ property: @escaping @Sendable (UnsafeRawBufferPointer) throws -> Void) {
      self.name = name
      self.maxLength = maxLength
      self.property = property
    }

    /// Checks one input; says what does not hold, or nil.
    public func check(_ bytes: UnsafeRawBufferPointer) -> String? {
      do {
        try property(bytes)
        return nil
      } catch let broken as Broken {
        return broken.what
      } catch {
        return "an error nobody expected: \(error)"
      }
    }

    /// Every target.
    public static let all = [prompt, imageList, folderDefaults, sidecar, answer, dataURI, image, webhook]
  }

  /// A property that does not hold.
  struct Broken: Error {
    var what: String
  }

  func hold(_ condition: Bool, _ what: @autoclosure () -> String) throws {
    if !condition { throw Broken(what: what()) }
  }

  /// What users are told: a code of plain words, and texts of one line that a terminal can show.
  func holdPresentable(_ error: JobError) throws {
    try hold(
      error.code.rawValue.wholeMatch(of: /[a-z0-9\-]+/) != nil, "the code \(error.code.rawValue.debugDescription)")
    for text in [error.message, error.hint ?? "-"] {
      let hasControls = text.unicodeScalars.contains { $0.value < 32 || (0x7F...0x9F).contains($0.value) }
      try hold(!text.isEmpty && !hasControls && text.utf8.count <= 4000, "the words \(text.debugDescription)")
    }
  }
#endif
