/// A value in a box that its copies share until one of them is changed. Slots and revisions are handed on dozens of times
/// for each picture; a copy counts one reference, where one of the whole would count those of all texts in it.
public struct Boxed<Value: Sendable>: Sendable {
  // Several threads may read what copies share. It is changed only by `value`, and there by the only one who has it: so
  // nobody reads what is being changed, and it needs neither a lock nor the check for overlapping accesses.
  @usableFromInline
  final class Storage: @unchecked Sendable {
    @exclusivity(unchecked)
    @usableFromInline var value: Value

    @inlinable init(_ value: Value) { self.value = value }
  }

  @usableFromInline var storage: Storage

  /// Puts a value into a box of its own.
  @inlinable public init(_ value: Value) { storage = Storage(value) }

  /// The value. To change it makes a box of its own of one that others share.
  @inlinable public var value: Value {
    _read { yield storage.value }
    _modify {
      if !isKnownUniquelyReferenced(&storage) { storage = Storage(storage.value) }
      yield &storage.value
    }
  }
}

extension Boxed: Equatable where Value: Equatable {
  /// Whether both have the same value.
  @inlinable public static func == (a: Boxed, b: Boxed) -> Bool { a.storage === b.storage || a.value == b.value }
}

extension Boxed: Hashable where Value: Hashable {
  /// Hashes the value.
  @inlinable public func hash(into hasher: inout Hasher) { hasher.combine(value) }
}
