import Testing

@testable import DropFolder

/// Which file systems inotify is believed on, by the numbers of statfs(2) as its manual page and the kernel's magic.h have
/// them.
@Suite struct FileSystemKindTests {
  @Test(arguments: [
    (0x6969, "nfs"), (0x517B, "smb"), (0xFF53_4D42, "cifs"), (0xFE53_4D42, "smb2"), (0x6573_5546, "fuse"),
    (0x0102_1997, "9p"), (0x00C3_6400, "ceph"), (0x0BD0_0BD0, "lustre"), (0x4750_4653, "gpfs"), (0x786F_4256, "vboxsf"),
  ])
  func othersWriteThere(_ number: UInt32, _ name: String) {
    let kind = FileSystemKind(number: number)
    #expect(kind.isRemote && kind.name == name)
  }

  @Test(arguments: [
    (0xEF53, "ext4"), (0x0102_1994, "tmpfs"), (0x5846_5342, "xfs"), (0x9123_683E, "btrfs"), (0x794C_7630, "overlay"),
  ])
  func thisKernelHearsAll(_ number: UInt32, _ name: String) {
    let kind = FileSystemKind(number: number)
    #expect(!kind.isRemote && kind.name == name)
  }

  @Test func whatHasNoNameIsWatchedAndReportedByItsNumber() {
    #expect(FileSystemKind(number: 0xABCD_1234).name == "0xabcd1234")
    #expect(!FileSystemKind(number: 0xABCD_1234).isRemote)
  }
}
