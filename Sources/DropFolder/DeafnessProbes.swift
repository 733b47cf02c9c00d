import Glibc
import JobCore

/// Files that were made to hear whether anything is heard, and the file systems where nothing was.
struct DeafnessProbes {
  typealias Watch = Inotify.Watch

  private struct Probe {
    var name: [UInt8]
    var deadline: ContinuousClock.Instant
  }
  private var waiting: [Watch: Probe] = [:]
  private var deafDevices: Set<UInt64> = []
  // The kernel reports local changes at once; this is far beyond that.
  static let hearing: Duration = .seconds(2)

  func isDeaf(_ device: UInt64) -> Bool { deafDevices.contains(device) }
  mutating func noteDeaf(_ device: UInt64) { deafDevices.insert(device) }

  /// Makes a file in the folder and removes it again. If the kernel does not report that, it reports nothing there. It proves
  /// nothing else: local changes are reported on file servers too.
  /// `hearing`: how long it may take.
  mutating func begin(_ watch: Watch, _ folder: borrowing Descriptor, within hearing: Duration = Self.hearing) {
    let name = DropNames.temporary(id: "probe-\(getpid())-\(watch)")
    do throws(SystemError) {
      _ = try folder.open(name, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
    } catch {
      // Where nothing can be written, nothing can be proved.
      return
    }
    unlinkat(folder.number, cString(name), 0)
    waiting[watch] = Probe(name: name, deadline: .now + hearing)
  }

  /// The kernel has reported a temporary file of this program's.
  mutating func heard(_ name: UnsafeRawBufferPointer, in watch: Watch) {
    if !waiting.isEmpty, waiting[watch].map({ name.elementsEqual($0.name) }) == true { waiting[watch] = nil }
  }

  mutating func forget(_ watch: Watch) { waiting[watch] = nil }

  /// Whether any has not been heard yet.
  var areWaiting: Bool { !waiting.isEmpty }

  /// When the next one has to have been heard.
  var nextDeadline: ContinuousClock.Instant? { waiting.values.map(\.deadline).min() }

  /// Folders whose probes were not heard.
  mutating func takeUnheard() -> [Watch] {
    guard !waiting.isEmpty else { return [] }
    let unheard = waiting.filter { $0.value.deadline <= .now }.keys
    for watch in unheard { waiting[watch] = nil }
    return Array(unheard)
  }
}
