import Foundation
import Glibc

/// A fresh folder for one trial.
struct Place {
  let base: String
  var drop: String { base + "/drop" }
  var state: String { base + "/state" }

  init(in parent: String) throws {
    base = "\(parent)/.promptdrop-bench-\(getpid())-\(UInt32.random(in: 0..<UInt32.max))"
    try FileManager.default.createDirectory(atPath: drop, withIntermediateDirectories: true)
  }

  func remove() {
    do { try FileManager.default.removeItem(atPath: base) } catch { print("cannot remove \(base): \(error)") }
  }

  /// Drops prompts at a child that watches, until all are done; ends it, and says what that cost.
  func measure(_ files: Int, with child: Child) throws -> Cost {
    try waitUntilWatched(by: child)
    let start = ContinuousClock.now
    try drop(files)
    try waitForDone(files, child)
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let (cpu, peak) = child.end()
    return Cost(jobs: files, seconds: seconds, cpuSeconds: cpu, peakMB: peak)
  }

  /// Puts prompts in place by rename, all with texts of their own.
  func drop(_ files: Int, folders: Int = 1) throws {
    for folder in 0..<folders where folders > 1 {
      try FileManager.default.createDirectory(atPath: "\(drop)/\(folder)", withIntermediateDirectories: true)
    }
    let temporary = base + "/next"
    for number in 0..<files {
      let text = "a picture of number \(number), oil on canvas"
      guard let file = fopen(temporary, "w") else { throw BenchError("cannot write \(temporary)") }
      fputs(text, file)
      fclose(file)
      let target = folders > 1 ? "\(drop)/\(number % folders)/p\(number).prompt" : "\(drop)/p\(number).prompt"
      guard Glibc.rename(temporary, target) == 0 else { throw BenchError("cannot rename to \(target)") }
    }
  }

  /// Returns when somebody below `child` has an inotify watch.
  func waitUntilWatched(by child: Child) throws {
    let deadline = ContinuousClock.now + .seconds(20)
    while ContinuousClock.now < deadline {
      for process in group(of: child) where hasWatch(process) { return }
      usleep(20_000)
    }
    throw BenchError("nobody watches \(drop) after 20 s; see \(base)/log")
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

  /// Returns when so many sidecars or pictures are final. Looks seldom: it shares the machine with what it measures.
  func waitForDone(_ files: Int, _ child: Child) throws {
    let deadline = ContinuousClock.now + .seconds(300)
    var number = files - 1
    while number >= 0 {
      // From the last to the first; each is asked for until it is done, so that the whole costs one look a file.
      if isDone("\(drop)/p\(number).status.json") {
        number -= 1
      } else {
        guard ContinuousClock.now < deadline, child.cpuSoFar != nil else {
          throw BenchError("p\(number) is not done; see \(base)/log")
        }
        usleep(20_000)
      }
    }
  }

  private func isDone(_ sidecar: String) -> Bool {
    guard let file = fopen(sidecar, "r") else { return false }
    defer { fclose(file) }
    var buffer = [UInt8](repeating: 0, count: 160)
    let count = fread(&buffer, 1, 160, file)
    return String(decoding: buffer[..<count], as: UTF8.self).contains("\"state\": \"done\"")
  }

  private func entries(_ folder: String) -> [String] {
    // A process that has ended meanwhile has none.
    do { return try FileManager.default.contentsOfDirectory(atPath: folder) } catch { return [] }
  }
}
