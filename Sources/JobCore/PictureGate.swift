/// Whether pictures arrive at all. A picture that is late takes nobody's place at the service, so something else has to end
/// the spending while none can be fetched: those of several tasks in a row, and nothing more is submitted.
public struct PictureGate: Sendable {
  /// So many tasks in a row close it.
  public static let mostMissing = 5
  private var missing: [SlotKey] = []

  /// Makes an open gate. `missing`: tasks whose pictures are late, as an earlier process left them.
  public init(missing: [SlotKey] = []) { self.missing = missing }

  /// Whether nothing is to be submitted.
  public var isClosed: Bool { missing.count >= Self.mostMissing }
  /// How many tasks in a row have no picture.
  public var count: Int { missing.count }

  /// A task's picture could not be fetched. Whether that closed the gate.
  public mutating func missed(_ slot: SlotKey) -> Bool {
    guard !missing.contains(slot) else { return false }
    missing.append(slot)
    return missing.count == Self.mostMissing
  }

  /// A picture has arrived. Whether that opened the gate.
  public mutating func arrived() -> Bool {
    defer { missing = [] }
    return isClosed
  }

  /// A task's picture is not waited for any more: a person gave it up, or the service made none. Whether that opened the
  /// gate.
  public mutating func gaveUp(_ slot: SlotKey) -> Bool {
    let before = isClosed
    missing.removeAll { $0 == slot }
    return before && !isClosed
  }
}
