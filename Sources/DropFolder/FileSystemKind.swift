import CLinux
import Glibc

/// The kind of a mounted file system, which decides whether inotify hears of everything in it.
struct FileSystemKind: Hashable {
  /// `ext4`, `nfs`, …; the number in hexadecimal where it has no name here.
  var name: String
  /// Whether files change there without this machine's kernel: on servers, in user space, on other nodes.
  var isRemote: Bool

  /// Of the file system that an open file is on. Throws `SystemError`.
  static func of(_ file: borrowing Descriptor) throws(SystemError) -> FileSystemKind {
    var number: UInt32 = 0
    guard pd_file_system(file.number, &number) == 0 else { throw SystemError(errno) }
    return FileSystemKind(number: number)
  }

  /// By the number that statfs(2) gives, as 32 bits without sign.
  init(number: UInt32) {
    if let name = Self.remote[number] {
      (self.name, isRemote) = (name, true)
    } else {
      (name, isRemote) = (Self.local[number] ?? "0x" + String(number, radix: 16), false)
    }
  }

  // The numbers stand in Linux's magic.h, those of file systems outside the kernel in GNU coreutils' stat.c, whose `tail -f`
  // keeps the same two sorts.
  private static let remote: [UInt32: String] = [
    0x6969: "nfs", 0x517B: "smb", 0xFF53_4D42: "cifs", 0xFE53_4D42: "smb2", 0x6573_5546: "fuse", 0x0102_1997: "9p",
    0x00C3_6400: "ceph", 0x5346_414F: "afs", 0x6B41_4653: "afs", 0x7375_7245: "coda", 0x0BD0_0BD0: "lustre",
    0x7461_636F: "ocfs2", 0x0116_1970: "gfs2", 0x4750_4653: "gpfs", 0xBACB_ACBC: "vmhgfs", 0x7C7C_6673: "prl_fs",
    0x564C: "ncp", 0xAAD7_AAEA: "panfs", 0x786F_4256: "vboxsf",
  ]
  private static let local: [UInt32: String] = [
    0xEF53: "ext4", 0x0102_1994: "tmpfs", 0x5846_5342: "xfs", 0x9123_683E: "btrfs", 0x794C_7630: "overlay",
    0xF2F5_2010: "f2fs", 0x2FC1_2FC1: "zfs", 0x4D44: "vfat", 0x2011_BAB0: "exfat", 0x5346_544E: "ntfs",
    0x8584_58F6: "ramfs",
    0xCA45_1A4E: "bcachefs", 0x3153_464A: "jfs", 0x5265_4973: "reiserfs", 0x7366_746E: "ntfs3", 0x9FA0: "proc",
    0x7371_7368: "squashfs",
  ]
}
