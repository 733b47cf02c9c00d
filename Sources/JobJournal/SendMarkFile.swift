import Glibc
import JobCore
import Synchronization

/// Marks in a small file of the state folder: it survives the process, because what was written is in the kernel, and
/// it says nothing after a reboot, because the boot's id stands at its head. Nothing of it is ever synced.
///
/// Format: records of 64 bytes. The first has the boot's id; each other an attempt's id of up to 56 bytes, and in its
/// last byte `-` while nothing was sent, `!` from the moment on that something may have been.
public final class SendMarkFile: SendMarks {
  private struct State {
    var places: [String: Int] = [:]
    var free: [Int]
    // What an earlier process of this boot left: whether something may have been sent.
    var earlier: [String: Bool] = [:]
  }
  private static let record = 64
  private static let capacity = 4096
  private static let unsent = UInt8(ascii: "-")
  private static let sent = UInt8(ascii: "!")

  private let file: Int32
  private let state: Mutex<State>

  /// Opens the marks in a locked state folder, or makes them. Throws `JournalError`.
  public init(_ folder: StateFolder, bootID: String) throws(JournalError) {
    file = open("\(folder.path)/send-marks", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw .broken("cannot open \(folder.path)/send-marks: \(String(cString: strerror(errno)))") }
    let size = (Self.capacity + 1) * Self.record
    var content = [UInt8](repeating: 0, count: size)
    let got = pread(file, &content, size, 0)
    let head = Self.record(bootID, mark: Self.unsent)
    var state = State(free: [])
    if got == size, Array(content[..<Self.record]) == head {
      for place in 1...Self.capacity {
        let bytes = content[(place * Self.record)..<((place + 1) * Self.record)]
        let id = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        if id.isEmpty { continue }
        state.earlier[id] = bytes.last != Self.unsent
      }
    } else {
      // Allocated now, so that a full disk does not keep a mark from being made later.
      content = head + [UInt8](repeating: 0, count: size - Self.record)
      guard posix_fallocate(file, 0, off_t(size)) == 0, pwrite(file, content, size, 0) == size else {
        let why = String(cString: strerror(errno))
        close(file)
        throw .full("cannot write \(folder.path)/send-marks: \(why)")
      }
    }
    // Places of earlier marks are taken last: until those attempts are decided, their marks are needed.
    let used = content.indices.filter { $0 % Self.record == 0 && $0 > 0 && content[$0] != 0 }.map { $0 / Self.record }
    state.free = used + (1...Self.capacity).reversed().filter { !used.contains($0) }
    self.state = Mutex(state)
  }

  deinit { close(file) }

  private static func record(_ id: String, mark: UInt8) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(record)
    bytes.append(contentsOf: id.utf8.prefix(56))
    bytes.append(contentsOf: repeatElement(0, count: record - 1 - bytes.count))
    bytes.append(mark)
    return bytes
  }

  /// The attempt is about to be written down.
  public func prepare(_ attemptID: String) {
    state.withLock { state in
      guard let place = state.free.popLast() else { return }
      let bytes = Self.record(attemptID, mark: Self.unsent)
      guard pwrite(file, bytes, Self.record, off_t(place * Self.record)) == Self.record else {
        return state.free.insert(place, at: 0)  // No mark: it proves nothing, and nothing is lost by that.
      }
      state.places[attemptID] = place
    }
  }

  /// Its first byte may leave from now on.
  public func willSend(_ attemptID: String) -> Bool {
    state.withLock { state in
      guard let place = state.places[attemptID] else { return true }
      var mark = Self.sent
      return pwrite(file, &mark, 1, off_t(place * Self.record + Self.record - 1)) == 1
    }
  }

  /// Its outcome is written down.
  public func clear(_ attemptID: String) {
    state.withLock { state in
      if let place = state.places.removeValue(forKey: attemptID) { state.free.append(place) }
    }
  }

  /// Whether an earlier process of this boot began the attempt and sent nothing of it.
  public func wasNotSent(_ attemptID: String) -> Bool {
    state.withLock { $0.earlier[attemptID] == false }
  }
}
