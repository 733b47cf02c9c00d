import Agent
import Glibc
import JobCore
import Synchronization

/// Shows the work on a terminal: one line a job, finished ones scroll away, and a summary line at the bottom that keeps
/// itself up to date.
final class TerminalView: AgentObserver {
  private struct State {
    var open: [JobID: (line: String, order: Int)] = [:]
    var finished: [JobID: StateName] = [:]
    var order = 0
    var drawn = 0
    var places: PlaceNames?
  }

  private let state = Mutex(State())
  private let usesColour: Bool

  init(usesColour: Bool) { self.usesColour = usesColour }

  /// Whether standard output is a terminal that can move its cursor.
  static var isPossible: Bool {
    isatty(1) == 1 && getenv("TERM").map { String(cString: $0) } != "dumb"
  }

  /// Whether colours are wanted: https://no-color.org.
  static var wantsColour: Bool { getenv("NO_COLOR").map { String(cString: $0).isEmpty } ?? true }

  func willName(_ places: PlaceNames) { state.withLock { $0.places = places } }

  func changed(_ job: Job) {
    let name = job.file.path.display
    let (_, words) = LogObserver.words(job, state.withLock { $0.places })
    let line = "\(mark(job.state)) \(name)  \(Output.plain(words))"
    state.withLock { state in
      if job.state.isSettled {
        state.open[job.id] = nil
        state.finished[job.id] = job.state
        redraw(&state, above: line)
      } else {
        let order = state.open[job.id]?.order ?? state.order + 1
        state.order = max(state.order, order)
        state.finished[job.id] = nil
        state.open[job.id] = (line, order)
        redraw(&state, above: nil)
      }
    }
  }

  func notice(_ level: NoticeLevel, _ error: JobError) {
    state.withLock {
      redraw(
        &$0,
        above: "\(paint("!", level == .info ? 36 : 33)) \(Output.plain("\(error.message) \(error.hint ?? "")"))")
    }
  }

  /// Leaves the last state on the screen.
  func finish() { state.withLock { redraw(&$0, above: nil) } }

  // The lines that are still open stand below those that are final, and are drawn again in one write.
  private func redraw(_ state: inout State, above line: String?) {
    var size = winsize()
    let known = ioctl(1, UInt(TIOCGWINSZ), &size) == 0 && size.ws_row > 3 && size.ws_col > 10
    let (rows, columns) = known ? (Int(size.ws_row) - 2, Int(size.ws_col)) : (20, 80)
    var text = state.drawn > 0 ? "\u{1B}[\(state.drawn)A\u{1B}[J" : ""
    if let line { text += clip(line, columns) + "\n" }
    let open = state.open.values.sorted { $0.order < $1.order }
    let shown = open.prefix(rows)
    for entry in shown { text += clip(entry.line, columns) + "\n" }
    text += summary(state) + "\n"
    state.drawn = shown.count + 1
    Output.print(text)
  }

  private func summary(_ state: State) -> String {
    var counts: [StateName: Int] = [:]
    for name in state.finished.values { counts[name, default: 0] += 1 }
    var parts = ["\(state.open.count) under way", "\(counts[.done] ?? 0) done"]
    for name in [StateName.failed, .held, .cancelled] where counts[name] != nil {
      parts.append("\(counts[name] ?? 0) \(name.rawValue)")
    }
    return paint(parts.joined(separator: " · "), 1)
  }

  private func mark(_ state: StateName) -> String {
    switch state {
    case .done: paint("✓", 32)
    case .failed: paint("✗", 31)
    case .held: paint("‖", 33)
    case .cancelled: paint("–", 90)
    default: paint("…", 36)
    }
  }

  private func paint(_ text: String, _ code: Int) -> String { usesColour ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text }

  // A line that wraps would be counted as one and drawn as two. Colour codes take no room.
  private func clip(_ line: String, _ columns: Int) -> String {
    let slack = usesColour && line.hasPrefix("\u{1B}") ? 9 : 0
    return line.count <= columns + slack ? line : line.prefix(columns + slack - 1) + "…"
  }
}
