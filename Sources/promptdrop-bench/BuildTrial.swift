import Foundation

/// From a fresh clone to the first picture, as a newcomer does it.
struct BuildTrial {
  let repository: String
  let parent: String

  /// Clones, and runs `examples/try-it` until there is a picture. What is downloaded may be in a cache.
  func run() throws -> [Figure] {
    let place = try Place(in: parent)
    defer { place.remove() }
    let clone = place.base + "/clone"
    _ = try Child(["git", "clone", "-q", repository, clone], output: place.log).wait()
    say("\nbuilding \(repository); this takes minutes")
    let start = ContinuousClock.now
    let child = try Child(["sh", "-c", "cd \"$1\" && exec examples/try-it", "sh", clone], output: place.log)
    let drop = clone + "/promptdrop-demo/drop"
    while !(try pictures(in: drop)) {
      guard child.cpu != nil, ContinuousClock.now - start < .seconds(1800) else {
        throw BenchError("no picture was made: \(place.said)")
      }
      usleep(100_000)
    }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    child.end()
    return [Figure(row: .build, value: seconds)]
  }

  private func pictures(in drop: String) throws -> Bool {
    guard FileManager.default.fileExists(atPath: drop) else { return false }
    return try FileManager.default.contentsOfDirectory(atPath: drop).contains("lighthouse.png")
  }
}
