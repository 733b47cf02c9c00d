import Foundation

/// What many finished jobs cost: on the disk, and at the next start.
struct JournalTrial {
  let bench: Bench
  let service: String

  private static let folders = 600

  /// Finishes the jobs, measures the journal, and starts again on them.
  func run() throws -> [Figure] {
    let finished = bench.counts.finished
    let place = try Place(in: bench.tmpfs)
    defer { place.remove() }
    let child = try bench.program.start(place, service)
    let cost = try place.measure(finished, with: child, folders: Self.folders, until: .sidecar)
    child.end()
    let bytes = try size(of: place)
    say("\n\(finished) finished jobs in \(Self.folders) folders (made at \(decimal(cost.jobsPerSecond, 0)) jobs/s)")
    var starts: [Double] = []
    var finds: [Double] = []
    for _ in 0..<3 {
      finds.append(try Child(["find", place.drop, "-printf", "%s %T@\\n"]).wait().cpuSeconds)
      let again = try bench.program.start(place, service)
      starts.append(try again.rest(for: 1))
      again.end()
    }
    let (start, find) = (starts.sorted()[1], finds.sorted()[1])
    return [
      Figure(row: .journalBytes, value: Double(bytes) / Double(finished), detail: "\(bytes / 1_000_000) MB in all"),
      Figure(
        row: .start, value: start / find, detail: "\(decimal(start, 3)) against \(decimal(find, 3)) s CPU"),
    ]
  }

  // What is kept beside the journal, such as its daily copy, is not the journal.
  private func size(of place: Place) throws -> Int {
    let names = try FileManager.default.contentsOfDirectory(atPath: place.state).filter {
      $0.hasPrefix("journal.sqlite")
    }
    return try names.reduce(0) { sum, name in
      let attributes = try FileManager.default.attributesOfItem(atPath: "\(place.state)/\(name)")
      return sum + (attributes[.size] as? Int ?? 0)
    }
  }
}
