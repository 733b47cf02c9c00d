/// Folders that systems keep inside of other folders for their own ends: recycle bins, snapshots, and the like. They are no
/// part of a watched folder. A prompt that is moved into one counts as deleted, and one that comes back is what it was.
///
/// The root's own path does not matter: a root that is itself such a folder, or below one, is watched like any other.
public struct SkippedFolders: Sendable {
  /// What such a folder is for.
  public enum Purpose: String, Sendable {
    /// What was deleted there is kept for a while.
    case recycleBin = "a recycle bin"
    /// Earlier states of the folder.
    case snapshots = "a folder of snapshots"
    /// The system's own data.
    case system = "a system folder"
  }

  /// A name, exactly as a system makes it, and whose it is.
  public struct Entry: Sendable {
    /// The folder's name.
    public let name: String
    /// What it is for.
    public let purpose: Purpose
    /// Who makes it.
    public let maker: String
  }

  /// The one table of names; a test holds the README's to it. Folders with a dot before their names are skipped in any case:
  /// those that stand here besides are the ones that `status` lists.
  public static let table: [Entry] = [
    // kb.synology.com ("Recycle Bin", "Snapshot Replication"); `@eaDir` holds thumbnails and extended attributes.
    Entry(name: "#recycle", purpose: .recycleBin, maker: "Synology"),
    Entry(name: "#snapshot", purpose: .snapshots, maker: "Synology"),
    Entry(name: "@eaDir", purpose: .system, maker: "Synology"),
    Entry(name: "@tmp", purpose: .system, maker: "Synology"),
    Entry(name: "@sharesnap", purpose: .snapshots, maker: "Synology"),
    Entry(name: "@SynoResource", purpose: .system, maker: "Synology"),
    // QTS user guide ("Network Recycle Bin", "Snapshots").
    Entry(name: "@Recycle", purpose: .recycleBin, maker: "QNAP"),
    Entry(name: "@Recently-Snapshot", purpose: .snapshots, maker: "QNAP"),
    Entry(name: "@Transcode", purpose: .system, maker: "QNAP"),
    Entry(name: ".@__thumb", purpose: .system, maker: "QNAP"),
    Entry(name: "trashbox", purpose: .recycleBin, maker: "Buffalo"),
    // vfs_recycle(8), `recycle:repository`; Unraid's plugin names it otherwise.
    Entry(name: ".recycle", purpose: .recycleBin, maker: "Samba"),
    Entry(name: ".Recycle.Bin", purpose: .recycleBin, maker: "Unraid"),
    // Both spellings are on disks; the older ones are of Windows 95 (FAT) and of Windows NT to XP (NTFS).
    Entry(name: "$RECYCLE.BIN", purpose: .recycleBin, maker: "Windows"),
    Entry(name: "$Recycle.Bin", purpose: .recycleBin, maker: "Windows"),
    Entry(name: "RECYCLED", purpose: .recycleBin, maker: "Windows"),
    Entry(name: "RECYCLER", purpose: .recycleBin, maker: "Windows"),
    Entry(name: "System Volume Information", purpose: .system, maker: "Windows"),
    Entry(name: "FOUND.000", purpose: .system, maker: "Windows"),
    Entry(name: ".Trashes", purpose: .recycleBin, maker: "macOS"),
    Entry(name: ".Trash", purpose: .recycleBin, maker: "macOS"),
    Entry(name: "Network Trash Folder", purpose: .recycleBin, maker: "macOS"),
    Entry(name: "Temporary Items", purpose: .system, maker: "macOS"),
    Entry(name: "TheVolumeSettingsFolder", purpose: .system, maker: "macOS"),
    Entry(name: ".Spotlight-V100", purpose: .system, maker: "macOS"),
    Entry(name: ".fseventsd", purpose: .system, maker: "macOS"),
    Entry(name: ".DocumentRevisions-V100", purpose: .system, maker: "macOS"),
    // fsck(8) of ext2 to ext4 and others; zfsprops(7), `snapdir`; snapper(8); NetApp shows `~snapshot` over SMB.
    Entry(name: "lost+found", purpose: .system, maker: "ext4"),
    Entry(name: ".zfs", purpose: .snapshots, maker: "ZFS"),
    Entry(name: ".snapshots", purpose: .snapshots, maker: "snapper"),
    Entry(name: ".snapshot", purpose: .snapshots, maker: "NetApp"),
    Entry(name: "~snapshot", purpose: .snapshots, maker: "NetApp"),
    Entry(name: ".snap", purpose: .snapshots, maker: "CephFS"),
    Entry(name: ".trashcan", purpose: .recycleBin, maker: "GlusterFS"),
    Entry(name: ".glusterfs", purpose: .system, maker: "GlusterFS"),
  ]

  private var names: Set<[UInt8]> = Set(table.map { Array($0.name.utf8) })
  private var added: Set<[UInt8]> = []
  private var entered: Set<[UInt8]> = []

  /// The table as it stands.
  public static let standard = SkippedFolders()

  private init() {}

  /// The table with changes: a name adds that one, `!NAME` takes one out. Throws what is wrong, for the user.
  public init(changes: [String]) throws(JobError) {
    for change in changes {
      let isTakenOut = change.hasPrefix("!")
      let name = isTakenOut ? String(change.dropFirst()) : change
      guard !name.isEmpty, !name.contains("/"), name != ".", name != ".." else {
        throw JobError(
          code: .skipFoldersBadName, message: "\"\(change)\" is not the name of a folder.",
          hint: "Give a name without a slash; for a path use exclude.")
      }
      let bytes = Array(name.utf8)
      if isTakenOut {
        guard names.contains(bytes) || added.contains(bytes) else {
          throw JobError(
            code: .skipFoldersBadName, message: "\"\(name)\" is not among the names that are skipped.",
            hint: "They are written exactly so: \(Self.table.map(\.name).joined(separator: ", ")).")
        }
        names.remove(bytes)
        added.remove(bytes)
        entered.insert(bytes)
      } else {
        added.insert(bytes)
        entered.remove(bytes)
      }
    }
  }

  /// Whether a folder of this name is not entered: those of the table and of the setting, and every dot-folder (sync tools'
  /// stores, `.git`, wastebaskets).
  public func skips(_ name: [UInt8]) -> Bool {
    if name.first == UInt8(ascii: "."), !entered.contains(name) { return true }
    return isListed(name)
  }

  /// Whether the name stands in the table or was added to it, so that `status` says where such a folder is.
  public func isListed(_ name: [UInt8]) -> Bool { names.contains(name) || added.contains(name) }

  /// Whether a file lies in such a folder, at any depth below the root.
  public func cover(_ file: DropPath) -> Bool {
    let path = file.directory.bytes
    // Nearly all paths have no such part; a copy of each part would cost more than the look.
    guard !path.isEmpty else { return false }
    return path.split(separator: UInt8(ascii: "/")).contains { skips(Array($0)) }
  }

  /// Why a listed folder is left out, for people.
  public func reason(_ name: [UInt8]) -> JobError {
    let shown = DropPath.display(name)
    let entry = Self.table.first { $0.name.utf8.elementsEqual(name) }
    let what = entry.map { "It is \($0.purpose.rawValue) (\($0.maker))" } ?? "The setting skip-folders names it"
    return JobError(
      code: .folderSkipped, message: "\(what), so what is in it counts as deleted.",
      hint: "To have it watched like any other folder, add '!\(shown)' to skip-folders.")
  }
}
