import Foundation
import ProgramKit
import TestKit
import Testing

extension Crashes {
  /// The order of the writes, read from a trace of the system calls of the built program: each step is durable before the
  /// next begins.
  @Suite struct WriteOrder {
    // The one `number` of calls that satisfies, after `mark`; moves the mark to its end.
    private struct Reader {
      let calls: [TracedCall]
      var mark = -1
      var steps: [String] = []

      mutating func expect(_ what: String, _ matches: (TracedCall) -> Bool) throws -> TracedCall {
        guard let found = calls.firstIndex(where: { $0.began > mark && matches($0) }) else {
          let rest = calls.filter { $0.began > mark }.prefix(40).map(\.description).joined(separator: "\n")
          throw Missing(
            description: "\(what) does not follow; so far:\n\(steps.joined(separator: "\n"))\nthen:\n\(rest)")
        }
        let call = calls[found]
        steps.append("\(what): \(call)")
        mark = call.ended
        return call
      }
    }

    @Test(.timeLimit(.minutes(5)), .enabled(if: Trace.isPossible, "strace may not trace here"))
    func eachStepIsDurableBeforeTheNext() async throws {
      let bench = try await Fixture(["cat": "a cat"])
      let (run, calls) = try await Trace.once(bench)
      #expect(run.code == 0 && bench.posts.count == 1, "\(run)")
      let root = bench.root.path
      let wal = bench.stateDir + "/journal.sqlite-wal"
      let sidecar = root + "/cat.status.json"
      var reader = Reader(calls: calls)
      func journalSync(_ call: TracedCall) -> Bool { call.isSync && call.path == wal }

      // The intent: in the journal, then in the sidecar beside the prompt, each synced, and so is the sidecar's name.
      let post = try #require(calls.first { $0.isSend && $0.data.hasPrefix("POST ") })
      let written = try #require(
        calls.last {
          $0.isWrite && $0.began < post.began && $0.data.contains("\"submitting\"") && $0.path.hasPrefix(root)
        })
      let attempt = try #require(Self.attemptID(in: written.data), "\(written.data)")
      let intent = try reader.expect("the intent is written to the journal") {
        $0.isWrite && $0.path == wal && Self.names($0, uuid: attempt)
      }
      _ = try reader.expect("the intent is synced", journalSync)
      _ = try reader.expect("the sidecar is written") {
        $0.isWrite && $0.path == written.path && $0.data == written.data
      }
      _ = try reader.expect("the sidecar is synced") { $0.isSync && $0.path == written.path }
      _ = try reader.expect("the sidecar gets its name") { $0.isRename && $0.target == sidecar }
      _ = try reader.expect("the name is synced") { $0.isSync && $0.path == root }
      #expect(intent.ended < written.began)
      // The first byte of the POST, and no other call had sent one before.
      let sent = try reader.expect("the POST leaves") { $0.isSend && $0.data.hasPrefix("POST ") }
      #expect(sent.began == post.began, "a POST left before its intent was durable: \(post)")
      #expect(calls.filter { $0.isSend && $0.data.hasPrefix("POST ") }.count == 1)

      // The task's id, before anything is asked about it.
      let task = try #require(bench.posts.first?.taskID)
      _ = try reader.expect("the task's id is written") {
        $0.isWrite && $0.path == wal && Self.names($0, uuid: String(task.suffix(36)))
      }
      _ = try reader.expect("the task's id is synced", journalSync)
      let query = try #require(calls.first { $0.isSend && $0.data.hasPrefix("GET ") && $0.data.contains(task) })
      #expect(query.began > reader.mark, "the service was asked before the id was durable")

      // The picture: bytes, their sync, its name, the name's sync; then the sidecar that tells of it; then the journal.
      let named = try #require(calls.first { $0.isRename && $0.target == root + "/cat.png" })
      _ = try reader.expect("the picture is synced under its temporary name") { $0.isSync && $0.path == named.path }
      _ = try reader.expect("the plan of its name is synced", journalSync)
      _ = try reader.expect("the picture gets its name") { $0.isRename && $0.target == root + "/cat.png" }
      _ = try reader.expect("that name is synced") { $0.isSync && $0.path == root }
      let last = try reader.expect("the final sidecar is written") {
        $0.isWrite && $0.path.hasPrefix(root) && $0.data.contains("\"done\"")
      }
      _ = try reader.expect("the final sidecar is synced") { $0.isSync && $0.path == last.path }
      _ = try reader.expect("it gets its name") { $0.isRename && $0.target == sidecar }
      _ = try reader.expect("the folder is synced") { $0.isSync && $0.path == root }
      _ = try reader.expect("the row is done", journalSync)

      // Nothing in the folder is written under its final name.
      #expect(!calls.contains { $0.isWrite && $0.path.hasPrefix(root) && !$0.path.hasSuffix(".tmp") })
    }

    /// A name is given to durable bytes only, also where nobody waits for the name itself: after a power cut, XFS has a renamed
    /// file without its bytes, and what it replaced is gone.
    @Test(.timeLimit(.minutes(5)), .enabled(if: Trace.isPossible, "strace may not trace here"))
    func noNameIsGivenToWhatIsNotSynced() async throws {
      // What is shown while it waits for its second try is what nobody waits for.
      let bench = try await Fixture(["cat": "a cat [sandbox: submit-retry-after=2:1]"])
      let (run, calls) = try await Trace.once(bench)
      #expect(run.code == 0, "\(run)")
      let renames = calls.filter { $0.isRename && $0.target.hasPrefix(bench.root.path) }
      #expect(renames.count >= 3, "\(renames)")
      for rename in renames {
        let written = calls.last { $0.isWrite && $0.path == rename.path && $0.began < rename.began }
        #expect(
          calls.contains { call in
            call.isSync && call.path == rename.path && call.ended < rename.began
              && call.began > (written?.ended ?? rename.began)
          }, "not synced before \(rename)")
      }
    }

    // The journal has ids as their bytes.
    private static func names(_ call: TracedCall, uuid text: String) -> Bool {
      guard let uuid = UUID(uuidString: text)?.uuid else { return false }
      return withUnsafeBytes(of: uuid) { Data(call.bytes).range(of: Data($0)) != nil }
    }

    private static func attemptID(in sidecar: String) -> String? {
      let key = "\"attempt_id\": \""
      guard let start = sidecar.range(of: key) ?? sidecar.range(of: key.replacing(": ", with: ":")) else { return nil }
      return String(sidecar[start.upperBound...].prefix { $0 != "\"" })
    }

    /// The shim stands before every call that strace sees: none gets past it, so no point is left out above.
    @Test(.timeLimit(.minutes(5)), .enabled(if: Trace.isPossible, "strace may not trace here"))
    func theShimSeesWhatStraceSees() async throws {
      let bench = try await Fixture(["cat": "a cat"])
      let log = bench.home.path("calls")
      let (run, traced) = try await Trace.once(bench, try Shim.environment("count", log: log))
      #expect(run.code == 0, "\(run)")
      let seen = Shim.calls(try bench.home.read("calls"))
      func sorted(_ names: [String]) -> [String: Int] { names.reduce(into: [:]) { $0[$1, default: 0] += 1 } }
      // SQLite's and Swift's names of functions are not those of the calls that they make.
      let kernel = ["pwrite64": "write", "pwrite": "write", "writev": "write", "fdatasync": "fsync"]
      let places = [bench.root.path, bench.stateDir]
      func isMeant(_ path: String) -> Bool { places.contains { path.hasPrefix($0) } }
      let shim = sorted(
        seen.filter { ["write", "fsync"].contains($0.kind) && isMeant($0.path) }.map { kernel[$0.name] ?? $0.name })
      let strace = sorted(
        traced.filter { ($0.isWrite || $0.isSync) && isMeant($0.path) }.map { kernel[$0.name] ?? $0.name })
      #expect(shim == strace && shim.isEmpty == false, "the shim saw \(shim), strace \(strace)")
    }
  }
}
