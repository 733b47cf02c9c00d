import Foundation

/// What `strace -f -c` counted.
struct SystemCalls {
  private let counts: [String: Int]
  private let jobs: Int

  /// The command that counts into a file.
  static func tracer(_ table: String) -> [String] { ["strace", "-f", "-qq", "-c", "-o", table] }

  /// Reads the table: seconds and the like, then the number of calls, perhaps the number of errors, the call's name.
  init(reading table: String, jobs: Int) throws {
    let text = String(decoding: FileManager.default.contents(atPath: table) ?? Data(), as: UTF8.self)
    var counts: [String: Int] = [:]
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count >= 5, let name = words.last, name != "total", let count = Int(words[3]) else { continue }
      counts[String(name)] = count
    }
    guard !counts.isEmpty else { throw BenchError("strace counted nothing; may it trace here?") }
    (self.counts, self.jobs) = (counts, jobs)
  }

  /// How often some calls were made, all together.
  func count(_ names: String...) -> Int { names.reduce(0) { $0 + (counts[$1] ?? 0) } }

  /// All calls, for each job.
  var perJob: Double { Double(counts.values.reduce(0, +)) / Double(jobs) }

  /// Syncs of files, folders and the journal, for each job.
  var syncsPerJob: Double {
    Double(count("fsync", "fdatasync", "sync_file_range", "msync", "syncfs", "sync")) / Double(jobs)
  }

  /// New processes. Threads are not told from them, so this is for programs that have one.
  var forks: Int { count("fork", "vfork", "clone", "clone3") }

  /// Those that are made most, for each job.
  var most: String {
    counts.sorted { ($0.value, $1.key) > ($1.value, $0.key) }.prefix(16)
      .map { "\($0.key) \(decimal(Double($0.value) / Double(jobs), 1))" }.joined(separator: ", ")
  }
}
