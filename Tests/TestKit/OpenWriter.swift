import Glibc

/// A program that has a file open for writing, until it is closed.
public final class OpenWriter {
  /// Why it could not be opened or written.
  public struct Failure: Error, CustomStringConvertible {
    /// What the system said.
    public let description: String
  }

  private var descriptor: Int32

  /// Opens a file for appending; it is made where it is not there. `extra`: further flags of open(2). Throws `Failure`.
  public init(_ path: String, _ extra: Int32 = 0) throws {
    descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | extra, 0o644)
    if descriptor < 0 { throw Failure(description: "\(path): \(String(cString: strerror(errno)))") }
  }

  deinit { close() }

  /// Appends a text. Throws `Failure`.
  public func write(_ text: String) throws { try write(Array(text.utf8)) }

  /// Appends bytes. Throws `Failure`.
  public func write(_ bytes: [UInt8]) throws {
    guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
      throw Failure(description: String(cString: strerror(errno)))
    }
  }

  /// Closes it; more than once does nothing.
  public func close() {
    if descriptor >= 0 { Glibc.close(descriptor) }
    descriptor = -1
  }
}
