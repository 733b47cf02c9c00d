import ArgumentParser

/// What can be measured by itself; `--only` chooses.
enum Part: String, CaseIterable, ExpressibleByArgument {
  case cost, scale, calls, latency, disk, journal
  case script, folders, backlog, build

  /// What is measured unless something is chosen: the table. The others take long, or say nothing of a figure in it.
  static let table: [Part] = [.cost, .scale, .calls, .latency, .disk, .journal]
}

/// A row of the table: a figure with the value that it must reach and the one that it is meant to reach.
enum Row: Int, CaseIterable {
  case cpu, rate, growth, calls, latency, diskLatency, syncs, memory, journalBytes, start, build

  /// What is compared, in words.
  var title: String {
    switch self {
    case .cpu: "CPU a job against the C loop"
    case .rate: "jobs a second against the C loop"
    case .growth: "CPU a job at many prompts against few"
    case .calls: "system calls a job"
    case .latency: "drop to submission, p50, against the C loop"
    case .diskLatency: "the same on a disk minus the same writes and syncs"
    case .syncs: "syncs a job when many are under way"
    case .memory: "memory at many prompts"
    case .journalBytes: "journal on disk for each finished job"
    case .start: "start with finished jobs, CPU against find"
    case .build: "clean release build to the first picture"
    }
  }

  /// The value that must be reached, in ``unit``.
  var floor: Double {
    switch self {
    case .cpu: 3
    case .rate: 0.4
    case .growth: 1.15
    case .calls: 80
    case .latency: 4
    case .diskLatency: 1
    case .syncs: 4.3
    case .memory: 60
    case .journalBytes: 700
    case .start: 1.3
    case .build: 300
    }
  }

  /// The value that is meant to be reached, in ``unit``.
  var aim: Double {
    switch self {
    case .cpu: 2
    case .rate: 0.5
    case .growth: 1.05
    case .calls: 50
    case .latency: 2.5
    case .diskLatency: 0.5
    case .syncs: 4.1
    case .memory: 50
    case .journalBytes: 500
    case .start: 1
    case .build: 240
    }
  }

  var unit: String {
    switch self {
    case .cpu, .rate, .growth, .latency, .start: "×"
    case .calls, .syncs: ""
    case .diskLatency: " ms"
    case .memory: " MB"
    case .journalBytes: " bytes"
    case .build: " s"
    }
  }

  private var moreIsBetter: Bool { self == .rate }

  /// How a value stands to floor and aim.
  func verdict(_ value: Double) -> String {
    func reaches(_ goal: Double) -> Bool { moreIsBetter ? value >= goal : value <= goal }
    return reaches(aim) ? "aim reached" : reaches(floor) ? "floor reached" : "missed"
  }
}

/// A measured row.
struct Figure {
  var row: Row
  var value: Double
  /// The two figures that a ratio is made of, in words.
  var detail = ""

  var line: String {
    func number(_ value: Double) -> String { decimal(value, value < 10 ? 2 : value < 100 ? 1 : 0) }
    return "  " + row.title.padded(to: 52) + (number(value) + row.unit).padded(to: 12)
      + "floor \(number(row.floor))".padded(to: 13) + "aim \(number(row.aim))".padded(to: 11)
      + row.verdict(value).padded(to: 15) + detail
  }
}

/// What several runs measured: the median of each row. What a ratio is made of differs from run to run more than the ratio
/// does, so that is what the median is taken of.
struct Medians {
  private var figures: [Row: [Figure]] = [:]

  mutating func add(_ more: [Figure]) {
    for figure in more { figures[figure.row, default: []].append(figure) }
  }

  /// In the order of the table; the detail is that of the run in the middle.
  var lines: [String] {
    Row.allCases.compactMap { row in
      guard let runs = figures[row]?.sorted(by: { $0.value < $1.value }), !runs.isEmpty else { return nil }
      return runs[runs.count / 2].line
    }
  }
}

extension String {
  func padded(to width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}
