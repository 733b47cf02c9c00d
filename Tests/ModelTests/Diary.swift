import Foundation
import ProgramKit

/// What was done, in order, so that a failure can be understood.
struct Diary {
  private struct Entry {
    var text: String
    var stems: [String]
  }
  private var entries: [Entry] = []
  private let start = ContinuousClock.now

  mutating func note(_ operation: Operation, took: Duration, from origins: [String] = []) {
    note("\(operation)\(took > .milliseconds(50) ? ", took \(took)" : "")", operation.stems + origins)
  }

  mutating func note(_ text: String, _ stems: [String] = []) {
    entries.append(Entry(text: "\(start.duration(to: .now)) \(text)", stems: stems))
  }

  /// What was done to these files, under whatever names, and to the agent; or with these texts.
  func about(_ stems: [String]) -> String {
    var wanted = Set(stems)
    var size = -1
    while size != wanted.count {
      size = wanted.count
      for entry in entries where entry.stems.count > 1 && concerns(entry, wanted) { wanted.formUnion(entry.stems) }
    }
    return entries.filter { $0.stems.isEmpty || concerns($0, wanted) }.map(\.text).joined(separator: "\n")
  }

  // A folder's name stands for all that is in it. What has a blank in it is no stem, but a text.
  private func concerns(_ entry: Entry, _ wanted: Set<String>) -> Bool {
    wanted.contains { $0.contains(" ") && entry.text.contains($0) }
      || entry.stems.contains { stem in
        wanted.contains { $0 == stem || World.isBelow(stem, $0) }
      }
  }
}

extension Operation {
  /// The stems and folders that it is about.
  var stems: [String] {
    switch self {
    case .write(let stem, _, _), .breakOff(let stem, _), .list(let stem, _), .touch(let stem), .changeMode(let stem),
      .delete(let stem), .deleteAll(let stem), .deleteAndWrite(let stem, _), .removeTree(let stem), .moveOut(let stem),
      .moveTreeOut(let stem):
      [stem]
    case .copy(let stem, let name), .link(let stem, let name), .rename(let stem, let name),
      .renameByCopying(let stem, let name, _), .moveTree(let stem, let name), .copyTree(let stem, let name, _):
      [stem, name]
    case .moveBack(_, let name): [name]
    case .killAgent, .stopAgent, .startAgent: []
    }
  }
}
