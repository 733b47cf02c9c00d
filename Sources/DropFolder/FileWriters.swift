import CLinux
import Glibc
import JobCore
import Synchronization

/// Which files a program still has open for writing: those are not complete.
///
/// The kernel says so to who asks for a read lease: it is refused while anybody has the file open for writing, whatever the
/// name, and whenever that began. Where there are no leases, what inotify reported last decides: written to, and not closed since.
public final class FileWriters: Sendable {
  private struct State {
    // Written to and not closed since, as the kernel reported.
    var written: Set<FileKey> = []
    var blind: [Blindness: BlindSpot] = [:]
  }

  /// Where and why leases say nothing: reported once for each.
  private struct Blindness: Hashable {
    var root: RootID
    var device: UInt64
    var reason: Reason
  }

  private enum Reason: Hashable {
    /// The file is another user's, and this process has no CAP_LEASE.
    case owner
    /// The file system has no leases, or its server gives them as it likes.
    case fileSystem(String)
  }

  private let state = Mutex(State())

  // Files that are written at once are few. More than this many are not kept in mind, and count as closed.
  private static let mostWritten = 4096
  // A file's close is reported before the kernel has let go of it, some microseconds later as a rule. Seven waits of 0.1 ms,
  // each twice as long as the one before, are 13 ms: long enough for a busy machine, and no matter for a file that is open.
  private static let firstWait: UInt32 = 100
  private static let waits = 7

  /// Makes a table, and has the process ignore the signal that probing may bring.
  public init() { signal(SIGIO, SIG_IGN) }

  // MARK: what the kernel tells

  /// Somebody wrote to the file.
  func wasWritten(_ file: FileKey) {
    state.withLock { state in
      if state.written.count >= Self.mostWritten { state.written = [] }
      state.written.insert(file)
    }
  }

  /// Somebody closed it after writing, or it is not there any more.
  func wasClosed(_ file: FileKey) { state.withLock { _ = $0.written.remove(file) } }

  /// Whether anything is known to have been written to and not closed.
  var anyWritten: Bool { state.withLock { !$0.written.isEmpty } }

  /// Whether it was written to and not closed since, as far as that was heard.
  func isWritten(_ file: FileKey) -> Bool { state.withLock { $0.written.contains(file) } }

  /// What is below the folder is not heard of any more: it counts as closed.
  func forget(below folder: FileKey) {
    state.withLock { state in
      guard !state.written.isEmpty else { return }
      state.written = state.written.filter { $0.root != folder.root || !$0.path.isBelowOrEqual(folder.path) }
    }
  }

  /// Events were lost: everything counts as closed.
  func forgetAll() { state.withLock { $0.written = [] } }

  // MARK: what a probe tells

  /// Whether a program has the file open for writing. `opened` is the file, open for reading only; whoever reads it too, and
  /// this process's own descriptors, do not count.
  func hasWriter(_ opened: borrowing Descriptor, _ file: FileKey, _ status: stat) -> Bool {
    let isWritten = isWritten(file)
    var wait = Self.firstWait
    // The event loop has no time for a busy machine, and nor has a thread that does much in a row: they ask once more after a
    // moment, and then somebody does the rest who may wait.
    for _ in 0...(FileWorkers.mayWait ? Self.waits : 1) {
      if pd_try_read_lease(opened.number) == 0 { return false }
      let failure = errno
      if failure != EAGAIN {
        note(file, status, failure == EACCES || failure == EPERM ? .owner : .fileSystem(Self.kind(opened)?.name ?? ""))
        return isWritten
      }
      // The events say the same: there is nothing to wait for.
      if isWritten { return true }
      usleep(wait)
      wait *= 2
    }
    // Some servers refuse a lease for reasons of their own.
    if let kind = Self.kind(opened), kind.refusesLeasesAtWill {
      note(file, status, .fileSystem(kind.name))
      return false
    }
    return true
  }

  private static func kind(_ opened: borrowing Descriptor) -> FileSystemKind? {
    do throws(SystemError) { return try FileSystemKind.of(opened) } catch { return nil }
  }

  // MARK: what nobody tells

  /// Where writers cannot be seen, each place and reason once.
  var blindSpots: [BlindSpot] {
    state.withLock { Array($0.blind.values) }.sorted {
      ($0.root.number, $0.folder.bytes.count, $0.error.message) < (
        $1.root.number, $1.folder.bytes.count, $1.error.message
      )
    }
  }

  private func note(_ file: FileKey, _ status: stat, _ reason: Reason) {
    let key = Blindness(root: file.root, device: UInt64(status.st_dev), reason: reason)
    state.withLock { state in
      guard state.blind[key] == nil else { return }
      let folder = file.path.directory
      state.blind[key] = BlindSpot(root: file.root, folder: folder, error: Self.error(reason, folder))
    }
  }

  private static func error(_ reason: Reason, _ folder: DropPath) -> JobError {
    let place = folder.bytes.isEmpty ? "" : " (first met in \(folder.display))"
    let rest = "promptdrop takes them when they have not changed for a while and inotify reports no open writer."
    return switch reason {
    case .owner:
      JobError(
        code: .writerUnseen,
        message:
          "Linux does not show this user whether a program still has files of another user open for writing\(place). "
          + rest,
        hint:
          "Run promptdrop as the user who writes the files, or give it CAP_LEASE (AmbientCapabilities=CAP_LEASE in its "
          + "unit). Or write the files under another name, and rename them to NAME.prompt when they are complete.")
    case .fileSystem(let name):
      JobError(
        code: .writerUnseen,
        message:
          "The file system\(name.isEmpty ? "" : " (\(name))") does not show whether a program still has a file open for "
          + "writing\(place). " + rest,
        hint: "Write files under another name, and rename them to NAME.prompt when they are complete.")
    }
  }
}

extension FileSystemKind {
  /// Whether a lease is refused there although nobody has the file open for writing: NFS 4 needs a delegation for it, and SMB
  /// an oplock, which the server gives or not (Linux, fs/nfs/nfs4proc.c and fs/smb/client/cifsfs.c).
  var refusesLeasesAtWill: Bool { ["nfs", "smb", "cifs", "smb2"].contains(name) }
}
