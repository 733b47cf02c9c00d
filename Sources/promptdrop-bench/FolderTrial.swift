import DropFolder
import Foundation
import Glibc
import JobCore
import Synchronization

/// What it costs to watch a tree and to look through it, beside what other programs need for the same.
struct FolderTrial {
  let place: Place

  /// Watching, and being told of and confirming every prompt, as the agent does.
  final class Listener: Sendable {
    struct State {
      var told = 0
      var scans = 0
      var unknown: [FileKey] = []
    }
    let state = Mutex(State())
    let watcher: FolderWatcher
    let root: String

    init(_ path: String) throws {
      root = path
      watcher = FolderWatcher(
        roots: [RootID(1): try RootFolder(path)], options: .init(rescanInterval: .zero, fingerprint: { _ in 1 }))
    }

    func start() {
      watcher.start(surveying: []) { [weak self] events in self?.take(events) }
    }

    private func take(_ events: [FolderEvent]) {
      state.withLock { state in
        for event in events {
          switch event {
          case .prompt(let file, _):
            state.told += 1
            state.unknown.append(file)
          case .scanned: state.scans += 1
          default: continue
          }
        }
      }
    }

    /// Waits for the end of that many looks at everything.
    func wait(scans: Int) {
      while state.withLock({ $0.scans }) < scans { usleep(500) }
    }

    /// Says of everything that was told of that it is known as it stands.
    func confirmAll() {
      let files = state.withLock { state in
        defer { state.unknown = [] }
        return state.unknown
      }
      for file in files {
        var status = stat()
        guard lstat("\(root)/\(String(decoding: file.path.bytes, as: UTF8.self))", &status) == 0 else { continue }
        let stamp = FileStamp(
          device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int64(status.st_size),
          modified: Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec),
          changed: Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec))
        watcher.confirm(file, TakenStamp(prompt: stamp, list: nil, inputs: 1))
      }
    }
  }

  /// A tree of prompts, in folders of the same size.
  init(in parent: String, files: Int, folders: Int) throws {
    place = try Place(in: parent)
    for folder in 0..<folders {
      let path = "\(place.drop)/f\(folder)"
      mkdir(path, 0o755)
      for number in 0..<(files / folders) {
        let file = open("\(path)/picture-\(number).prompt", O_WRONLY | O_CREAT, 0o644)
        guard file >= 0 else { throw BenchError("cannot make \(path): \(String(cString: strerror(errno)))") }
        write(file, "x", 1)
        close(file)
      }
    }
  }

  /// A look at a tree of which everything is known, beside `find` in the same run; the best of three each.
  func scan() throws -> (own: Double, find: Double, memoryMB: Double, told: Int) {
    let listener = try Listener(place.drop)
    listener.start()
    listener.wait(scans: 1)
    listener.confirmAll()
    listener.watcher.rescan()
    listener.wait(scans: 2)
    let before = listener.state.withLock { $0.told }
    var own: [Double] = []
    var find: [Double] = []
    for round in 0..<3 {
      own.append(
        Self.seconds {
          listener.watcher.rescan()
          listener.wait(scans: 3 + round)
        })
      find.append(
        try Self.seconds {
          _ = try Child(["find", place.drop, "-printf", "%s %T@\\n"]).wait()
        })
    }
    let told = listener.state.withLock { $0.told } - before
    let memory = Self.memoryMB
    listener.watcher.stop()
    return (own.min() ?? 0, find.min() ?? 0, memory, told)
  }

  /// From nothing to everything watched, beside a loop of the same system calls in C; the better of two each.
  func watch() throws -> (own: Double, plain: Double) {
    var own: [Double] = []
    var plain: [Double] = []
    for _ in 0..<2 {
      let number = inotify_init1(Int32(IN_CLOEXEC))
      plain.append(Self.seconds { Self.watchPlainly(place.drop, number) })
      close(number)
      // The kernel takes the watches away on a thread of its own; the next one must not wait for that.
      sleep(2)
      let listener = try Listener(place.drop)
      own.append(
        Self.seconds {
          listener.start()
          listener.wait(scans: 1)
        })
      listener.watcher.stop()
      sleep(2)
    }
    return (own.min() ?? 0, plain.min() ?? 0)
  }

  // What a program in C would do: open, list, watch, go into folders.
  private static func watchPlainly(_ path: String, _ number: Int32) {
    inotify_add_watch(number, path, 0xFFF)  // IN_ALL_EVENTS
    guard let folder = opendir(path) else { return }
    defer { closedir(folder) }
    while let entry = readdir(folder) {
      guard entry.pointee.d_type == UInt8(DT_DIR), entry.pointee.d_name.0 != 46 else { continue }
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      watchPlainly(path + "/" + name, number)
    }
  }

  private static func seconds(_ body: () throws -> Void) rethrows -> Double {
    let start = ContinuousClock.now
    try body()
    return (ContinuousClock.now - start) / .seconds(1)
  }

  private static var memoryMB: Double {
    let text =
      FileManager.default.contents(atPath: "/proc/self/status").map { String(decoding: $0, as: UTF8.self) } ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
    return (line.split(separator: " ").dropFirst().first.flatMap { Double($0) } ?? 0) / 1024
  }
}
