import JobCore
import Testing

/// Recycle bins, snapshots and system folders: exact names, and what a setting makes of them.
@Suite struct SkippedFoldersTests {
  private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  @Test(arguments: [
    "#recycle", "#snapshot", "@eaDir", "@Recycle", "@Recently-Snapshot", "$RECYCLE.BIN", "$Recycle.Bin", "RECYCLER",
    "System Volume Information", "lost+found", "~snapshot", ".zfs", ".snapshots", ".Trash-1000", ".git", ".~tmp~",
    ".rsync-partial", ".stversions", ".stfolder", ".sync",
  ])
  func skipped(name: String) {
    #expect(SkippedFolders.standard.skips(bytes(name)))
    #expect(SkippedFolders.standard.cover(DropPath("a/\(name)/b/cat.prompt")))
    #expect(!SkippedFolders.standard.cover(DropPath("a/\(name)")), "a file of that name is a file")
  }

  @Test(arguments: [
    "recycle", "#Recycle", "#recycle2", "@recycle", "eaDir", "@eaDirs", "cats", "a.b", "~cats", "lost", "Lost+Found",
    "snapshots", "$recycle.bin",
  ])
  func entered(name: String) {
    #expect(!SkippedFolders.standard.skips(bytes(name)))
    #expect(!SkippedFolders.standard.cover(DropPath("\(name)/cat.prompt")))
  }

  @Test func aSettingAddsAndTakesOut() throws {
    let changed = try SkippedFolders(changes: ["Papierkorb", "!lost+found", "!.snapshots"])
    #expect(changed.skips(bytes("Papierkorb")) && changed.isListed(bytes("Papierkorb")))
    #expect(!changed.skips(bytes("lost+found")) && !changed.skips(bytes(".snapshots")))
    #expect(changed.skips(bytes(".snapshot")) && changed.skips(bytes("#recycle")) && changed.skips(bytes(".git")))
    #expect(!changed.isListed(bytes(".git")), "nobody wants to be told of it")
    #expect(try !SkippedFolders(changes: ["bin", "!bin"]).skips(bytes("bin")))
    #expect(try SkippedFolders(changes: ["!#recycle", "#recycle"]).skips(bytes("#recycle")))
  }

  @Test(arguments: ["", "!", "a/b", "..", "!nonesuch", "!.git", "!#Recycle"])
  func whatIsNoNameIsRefused(change: String) {
    #expect(throws: JobError.self) { try SkippedFolders(changes: [change]) }
  }

  @Test func noNameStandsTwiceInTheTable() {
    #expect(Set(SkippedFolders.table.map(\.name)).count == SkippedFolders.table.count)
  }

  @Test func theReasonNamesTheMaker() {
    let error = SkippedFolders.standard.reason(bytes("#recycle"))
    #expect(error.message.contains("recycle bin") && error.message.contains("Synology"))
    #expect(error.hint?.contains("'!#recycle'") == true)
  }
}
