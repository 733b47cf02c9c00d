import CLinux
import Glibc
import JobCore

/// Reads the entries of a folder straight from the kernel's records: in a scan of a million files, a copy of each name would
/// cost more than the scan.
enum FolderListing {
  /// An entry, valid during the call that it is handed to.
  struct Entry {
    /// Its name, without the final zero.
    let name: UnsafeRawBufferPointer
    /// `DT_DIR`, `DT_REG`, …; never `DT_UNKNOWN` unless it is gone again.
    let type: UInt8
    /// Its name with the final zero.
    var cName: UnsafePointer<CChar> { name.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: CChar.self) }
    /// A copy of the name.
    var bytes: [UInt8] { Array(name) }
    /// Whether it is a folder.
    var isFolder: Bool { type == UInt8(DT_DIR) }
  }

  // The fields before the name in the kernel's record: inode and offset of eight bytes each, the record's length of two, the
  // type of one (getdents64(2)).
  private static let lengthAt = 16
  private static let typeAt = 18
  private static let nameAt = 19

  /// Hands out every entry but `.` and `..` of a folder that was opened for this: another listing with the same descriptor
  /// would find nothing. Throws `SystemError`.
  static func each(in folder: borrowing Descriptor, _ body: (Entry) -> Void) throws(SystemError) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 32_768, alignment: 16)
    defer { buffer.deallocate() }
    guard let base = buffer.baseAddress else { return }
    while true {
      let got = pd_entries(folder.number, base, buffer.count)
      if got < 0 { throw SystemError(errno) }
      if got == 0 { return }
      var position = 0
      while position < got {
        let record = base.advanced(by: position)
        position += Int(record.loadUnaligned(fromByteOffset: lengthAt, as: UInt16.self))
        let name = UnsafeRawPointer(record.advanced(by: nameAt))
        let count = strlen(name.assumingMemoryBound(to: CChar.self))
        let bytes = UnsafeRawBufferPointer(start: name, count: count)
        if bytes.first == UInt8(ascii: "."), count == 1 || (count == 2 && bytes[1] == UInt8(ascii: ".")) { continue }
        let type = record.load(fromByteOffset: typeAt, as: UInt8.self)
        body(Entry(name: bytes, type: kind(type, name, folder)))
      }
    }
  }

  // Some file systems do not say it in the listing.
  private static func kind(_ type: UInt8, _ name: UnsafeRawPointer, _ folder: borrowing Descriptor) -> UInt8 {
    guard type == UInt8(DT_UNKNOWN) else { return type }
    var status = stat()
    guard fstatat(folder.number, name.assumingMemoryBound(to: CChar.self), &status, AT_SYMLINK_NOFOLLOW) == 0 else {
      return type
    }
    return status.isFolder ? UInt8(DT_DIR) : UInt8(DT_REG)
  }
}
