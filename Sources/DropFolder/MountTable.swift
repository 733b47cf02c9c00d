import Glibc
import JobCore

/// Mounts that come and go in watched folders, or on what those are on.
struct MountWatch: ~Copyable {
  /// For poll(2), which says `POLLPRI` whenever something is mounted or unmounted; below zero where that cannot be had.
  let descriptor = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)
  private let folders: [[UInt8]]
  private var points: Set<[UInt8]>

  init(_ folders: [[UInt8]]) {
    self.folders = folders
    points = MountTable.points(touching: folders)
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Something was mounted or unmounted. Whether that touches the folders.
  mutating func look() -> Bool {
    let before = points
    points = MountTable.points(touching: folders)
    return points != before
  }
}

/// What is mounted, as the kernel tells this process in /proc/self/mountinfo (proc(5)).
enum MountTable {
  /// The mount points below these folders, and those that they are on or below.
  static func points(touching folders: [[UInt8]]) -> Set<[UInt8]> {
    guard let file = fopen("/proc/self/mountinfo", "re") else { return [] }
    defer { fclose(file) }
    var line: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { free(line) }
    var found: Set<[UInt8]> = []
    while true {
      let count = getline(&line, &capacity, file)
      guard count > 0, let line else { return found }
      let bytes = UnsafeBufferPointer(start: line, count: count).map { UInt8(bitPattern: $0) }
      let fields = bytes.split(separator: UInt8(ascii: " "), maxSplits: 5)
      guard fields.count > 4 else { continue }
      let point = DropPath(bytes: Array(plain(fields[4]).dropFirst()))
      let touches = folders.contains { folder in
        let folder = DropPath(bytes: Array(folder.dropFirst()))
        return point.isBelowOrEqual(folder) || folder.isBelowOrEqual(point)
      }
      // The mount's own number: another one in the same place is another mount.
      if touches { found.insert(Array(fields[0]) + [0] + point.bytes) }
    }
  }

  // Blanks and the like stand as a backslash and three octal digits.
  private static func plain(_ field: ArraySlice<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    var rest = field
    while let byte = rest.popFirst() {
      let digits = rest.prefix(3)
      guard byte == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy({ (48..<56).contains($0) }) else {
        result.append(byte)
        continue
      }
      result.append(digits.reduce(0) { $0 &* 8 &+ ($1 - 48) })
      rest = rest.dropFirst(3)
    }
    return result
  }
}
