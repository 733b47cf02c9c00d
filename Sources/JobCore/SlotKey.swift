/// A job's id: one file's history, whatever the file is called. A UUID in the usual form.
///
/// It is kept as a number: ids are hashed, compared and copied far more often than they are shown.
public struct JobID: Sendable {
  // What a sidecar that somebody else wrote calls its job.
  @usableFromInline
  final class OtherText: Sendable {
    @usableFromInline let text: String
    @usableFromInline init(_ text: String) { self.text = text }
  }

  @usableFromInline let high: UInt64
  @usableFromInline let low: UInt64
  // Of an id that is no UUID in the usual form; then both numbers are 0.
  @usableFromInline let other: OtherText?

  /// Wraps an id.
  public init(_ text: String) {
    var text = text
    // Only what comes out as it went in.
    if let (high, low) = text.withUTF8({ Hex.uuid(UnsafeRawBufferPointer($0)) }) {
      (self.high, self.low, other) = (high, low, nil)
    } else {
      (high, low, other) = (0, 0, OtherText(text))
    }
  }

  /// Makes an id of a UUID's 128 bits.
  @inlinable
  public init(high: UInt64, low: UInt64) { (self.high, self.low, other) = (high, low, nil) }

  /// The UUID's 128 bits; nil for an id of another form.
  @inlinable public var bits: (high: UInt64, low: UInt64)? { other == nil ? (high, low) : nil }

  /// The id as it is written.
  public var text: String { other?.text ?? Hex.uuid(high, low) }
}

extension JobID: Hashable {
  /// Whether both are the same id.
  @inlinable public static func == (a: JobID, b: JobID) -> Bool {
    a.low == b.low && a.high == b.high && a.other?.text == b.other?.text
  }

  /// Hashes the id.
  @inlinable public func hash(into hasher: inout Hasher) {
    hasher.combine(low)
    hasher.combine(high)
    if let other { hasher.combine(other.text) }
  }
}

/// Names a slot: picture `number` (from 1) of revision `revision` (from 1) of a job.
public struct SlotKey: Hashable, Sendable {
  /// The job.
  public let job: JobID
  /// The revision, from 1.
  public let revision: Int
  /// Which of the revision's `count` pictures, from 1. Above `surplusBase`: a second task that one attempt led to.
  public let number: Int
  /// Numbers above it are of surplus slots; no revision asks for as many pictures.
  public static let surplusBase = 1000
  /// Whether nobody asked for this picture: it is there because an attempt led to two tasks, and both may be paid.
  public var isSurplus: Bool { number > Self.surplusBase }

  /// Names a slot.
  public init(job: JobID, revision: Int, number: Int) {
    self.job = job
    self.revision = revision
    self.number = number
  }

  /// Whether both name the same slot.
  @inlinable public static func == (a: SlotKey, b: SlotKey) -> Bool {
    a.job == b.job && a.revision == b.revision && a.number == b.number
  }

  /// Hashes the name.
  @inlinable public func hash(into hasher: inout Hasher) {
    hasher.combine(job)
    hasher.combine(revision &* 65_536 &+ number)
  }
}
