import Foundation
import Glibc

/// A fresh folder for one trial.
struct Place {
  let base: String
  var drop: String { base + "/drop" }
  var state: String { base + "/state" }
  var log: String { base + "/log" }

  init(in parent: String) throws {
    base = "\(parent)/.promptdrop-bench-\(getpid())-\(UInt32.random(in: 0..<UInt32.max))"
    try FileManager.default.createDirectory(atPath: drop, withIntermediateDirectories: true)
    try FileManager.default.createDirectory(atPath: base + "/stage", withIntermediateDirectories: true)
  }

  func remove() {
    do { try FileManager.default.removeItem(atPath: base) } catch { print("cannot remove \(base): \(error)") }
  }

  /// What the child has said, for a failure's message.
  var said: String {
    let text = String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self)
    return text.split(separator: "\n").suffix(5).joined(separator: "\n")
  }

  /// How a finished job shows.
  enum Product {
    /// A sidecar that says so.
    case sidecar
    /// A picture: of programs that write no sidecars.
    case picture
  }

  /// Drops prompts at a child that watches, until all are done, and says what that cost: the CPU from the first rename until
  /// nothing is left to do, the time until the last file has got its name. The child runs on.
  func measure(_ files: Int, with child: Child, folders: Int = 1, until product: Product) throws -> Cost {
    try waitUntilWatched(by: child)
    try stage(files)
    let before = try child.rest(for: 0.2)
    var start = timespec()
    clock_gettime(CLOCK_REALTIME, &start)
    try drop(files, folders: folders)
    try waitForDone(files, child, folders: folders, until: product)
    let used = try child.rest(for: 0.2) - before
    let last = try (0..<files).reduce(0.0) { try max($0, Self.changed(path($1, folders, product))) }
    return Cost(jobs: files, seconds: last - Self.seconds(start), cpuSeconds: used, peakMB: 0)
  }

  /// A prompt of 60 bytes; all are different.
  static func text(_ number: Int) -> String {
    let digits = String(number)
    return "A lighthouse at dusk, calm sea, oil on canvas, number "
      + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
  }

  /// Writes prompts where nobody watches.
  func stage(_ files: Int, from first: Int = 0) throws {
    for number in first..<(first + files) {
      guard let file = fopen("\(base)/stage/p\(number).prompt", "w") else {
        throw BenchError("cannot write below \(base): \(String(cString: strerror(errno)))")
      }
      fputs(Self.text(number), file)
      fclose(file)
    }
  }

  /// Renames what is staged into the folder, or into folders below it.
  func drop(_ files: Int, from first: Int = 0, folders: Int = 1) throws {
    for folder in 0..<folders where folders > 1 { mkdir("\(drop)/\(folder)", 0o755) }
    for number in first..<(first + files) {
      guard Glibc.rename("\(base)/stage/p\(number).prompt", stem(number, folders) + ".prompt") == 0 else {
        throw BenchError("cannot rename p\(number).prompt: \(String(cString: strerror(errno)))")
      }
    }
  }

  private func stem(_ number: Int, _ folders: Int) -> String {
    folders > 1 ? "\(drop)/\(number % folders)/p\(number)" : "\(drop)/p\(number)"
  }

  private func path(_ number: Int, _ folders: Int, _ product: Product) -> String {
    stem(number, folders) + (product == .sidecar ? ".status.json" : ".png")
  }

  /// Returns when all are done. Looks seldom: it shares the machine with what it measures.
  func waitForDone(
    _ files: Int, _ child: Child, from first: Int = 0, folders: Int = 1, until product: Product
  ) throws {
    let deadline = ContinuousClock.now + .seconds(60 + files / 50)
    // From the last to the first; each is asked for until it is done, so that the whole costs one look a file.
    for number in (first..<(first + files)).reversed() {
      while !isDone(path(number, folders, product), product) {
        guard ContinuousClock.now < deadline, child.cpu != nil else {
          throw BenchError("p\(number) in \(drop) is not done; the program says:\n\(said)")
        }
        usleep(20_000)
      }
    }
  }

  private func isDone(_ path: String, _ product: Product) -> Bool {
    guard product == .sidecar else { return access(path, F_OK) == 0 }
    guard let file = fopen(path, "r") else { return false }
    defer { fclose(file) }
    var buffer = [UInt8](repeating: 0, count: 160)
    let count = fread(&buffer, 1, 160, file)
    return String(decoding: buffer[..<count], as: UTF8.self).contains("\"state\": \"done\"")
  }

  // When a file got its name, in seconds since 1970.
  private static func changed(_ path: String) throws -> Double {
    var status = stat()
    guard lstat(path, &status) == 0 else { throw BenchError("\(path) is not there") }
    return seconds(status.st_ctim)
  }

  private static func seconds(_ time: timespec) -> Double { Double(time.tv_sec) + Double(time.tv_nsec) / 1e9 }
}

extension Place {
  /// Returns when somebody below `child` has an inotify watch.
  func waitUntilWatched(by child: Child) throws {
    let deadline = ContinuousClock.now + .seconds(20)
    while ContinuousClock.now < deadline {
      for process in group(of: child) where hasWatch(process) { return }
      usleep(20_000)
    }
    throw BenchError("nobody watches \(drop) after 20 s; the program says:\n\(said)")
  }

  private func group(of child: Child) -> [pid_t] {
    var found: [pid_t] = []
    for name in entries("/proc") {
      guard let number = pid_t(name), getpgid(number) == child.processID else { continue }
      found.append(number)
    }
    return found
  }

  private func hasWatch(_ process: pid_t) -> Bool {
    entries("/proc/\(process)/fdinfo").contains { name in
      let info = FileManager.default.contents(atPath: "/proc/\(process)/fdinfo/\(name)") ?? Data()
      return String(decoding: info, as: UTF8.self).contains("inotify wd:")
    }
  }

  private func entries(_ folder: String) -> [String] {
    // A process that has ended meanwhile has none.
    do { return try FileManager.default.contentsOfDirectory(atPath: folder) } catch { return [] }
  }
}

/// What a run cost.
struct Cost {
  var jobs: Int
  var seconds: Double
  var cpuSeconds: Double
  /// 0 until the program has ended.
  var peakMB: Double
  var jobsPerSecond: Double { Double(jobs) / seconds }
  var cpuPerJob: Double { cpuSeconds * 1000 / Double(jobs) }

  func line(_ name: String) -> String {
    "  " + name.padded(to: 20)
      + "\(decimal(jobsPerSecond, 0)) jobs/s   \(decimal(cpuPerJob, 3)) ms CPU a job   peak \(decimal(peakMB, 1)) MB"
  }
}
