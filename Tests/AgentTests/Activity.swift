import Foundation
import Glibc
import JobCore
import Synchronization
import TestKit
import Testing

/// What goes on behind a pipeline's ports. A test lets time pass only while nothing does, so that a slow disk cannot make
/// the manual clock run ahead of the work.
final class Activity: Sendable {
  private struct State {
    var busy = 0
    var changes: UInt64 = 0
    var isDead = false
    var sleepers: [UInt64: Duration] = [:]
    var nextID: UInt64 = 0
  }
  private let state = Mutex(State())
  private let clock: ManualClock

  init(_ clock: ManualClock) { self.clock = clock }

  /// How much is going on, and a number that changes whenever anything does.
  var now: (busy: Int, changes: UInt64) { state.withLock { ($0.busy, $0.changes) } }

  /// When the first who sleeps is due.
  var nextDue: Duration? { state.withLock { $0.sleepers.values.min() } }
  /// Whether somebody sleeps until this moment; in a dead process nobody ever will.
  func isAwaited(_ moment: Duration) -> Bool {
    state.withLock { state in state.isDead || state.sleepers.values.contains(moment) }
  }

  func changed() { state.withLock { $0.changes += 1 } }
  func enter() { state.withLock { ($0.busy, $0.changes) = ($0.busy + 1, $0.changes + 1) } }
  func leave() { state.withLock { ($0.busy, $0.changes) = ($0.busy - 1, $0.changes + 1) } }

  /// The process is killed, as far as a test can: nothing that it asks for ever comes back.
  func die() { state.withLock { $0.isDead = true } }

  /// Never returns once the process is dead.
  func livingOnly() async {
    // Nobody resumes it, so the checked form would complain of it.
    if state.withLock({ $0.isDead }) { await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in } }
  }

  /// A call of the pipeline's to one of its ports.
  func during<T, E: Error>(_ body: () async throws(E) -> T) async throws(E) -> T {
    await livingOnly()
    enter()
    let result: Result<T, E>
    do throws(E) { result = .success(try await body()) } catch { result = .failure(error) }
    leave()
    await livingOnly()
    return try result.get()
  }

  /// `ManualClock.sleep`; who is woken counts as busy until it runs.
  func sleep(until due: Duration) async throws {
    await livingOnly()
    let id = state.withLock { state in
      state.nextID += 1
      state.sleepers[state.nextID] = due
      return state.nextID
    }
    do { try await clock.sleep(until: due) } catch {
      wake(id)
      throw error
    }
    wake(id)
    await livingOnly()
  }

  private func wake(_ id: UInt64) {
    let isOwed = state.withLock { $0.sleepers.removeValue(forKey: id) == nil }
    if isOwed { leave() } else { changed() }
  }

  /// Lets the clocks run on.
  func advance(to moment: Duration) {
    state.withLock { state in
      let due = state.sleepers.filter { $0.value <= moment }
      for id in due.keys { state.sleepers[id] = nil }
      state.busy += due.count
      state.changes += 1
    }
    clock.advance(by: max(.zero, moment - clock.monotonic))
  }
}

/// The descriptors of inotify that this process has: the library under the watcher is one instance a process.
func inotifyDescriptors() -> [Int32] {
  let numbers = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
  return numbers.compactMap(Int32.init).filter { number in
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")) == "anon_inode:inotify"
  }
}

/// Whether no other thread of this process runs or is about to: one that is woken, or that had to make way for another
/// process, is runnable, and one that waits for a disk says so too.
func isAloneAwake() -> Bool {
  guard let folder = opendir("/proc/self/task") else { return false }
  defer { closedir(folder) }
  // "PROCESS/task/THREAD", see proc(5).
  guard let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self") else { return false }
  let own = link.split(separator: "/").last.map(String.init)
  var buffer = [UInt8](repeating: 0, count: 256)
  while let entry = readdir(folder) {
    let name = withUnsafePointer(to: &entry.pointee.d_name.0) { String(cString: $0) }
    guard name != own, name != ".", name != ".." else { continue }
    let file = open("/proc/self/task/\(name)/stat", O_RDONLY | O_CLOEXEC)
    // It has ended meanwhile.
    guard file >= 0 else { continue }
    defer { close(file) }
    let count = read(file, &buffer, buffer.count)
    // "ID (NAME) STATE …", see proc(5); the name may hold anything.
    guard count > 0, let end = buffer[..<count].lastIndex(of: UInt8(ascii: ")")), end + 2 < count else { continue }
    if buffer[end + 2] == UInt8(ascii: "R") || buffer[end + 2] == UInt8(ascii: "D") { return false }
  }
  return true
}

/// What was waited for did not happen in the time that a test gave it.
struct TimeIsUp: Error, CustomStringConvertible {
  let description: String
}
