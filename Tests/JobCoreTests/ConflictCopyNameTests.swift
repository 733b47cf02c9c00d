import JobCore
import Testing

/// Which names are sync tools' copies, and which only have the word in them.
@Suite struct ConflictCopyNameTests {
  private func form(_ text: String) -> ConflictCopyName.Form { ConflictCopyName.form(of: Array(text.utf8)) }

  @Test(arguments: [
    // Syncthing, ownCloud, QNAP, Seafile, OneDrive, rclone, Resilio.
    "cat.sync-conflict-20260131-101500-ABCDEF7", "cat.sync-conflict-20140131-101500", "cat_conflict-20260131-101500",
    "cat_conflict-ann-20260131-101500", "cat_conflict_DESKTOP_20261128",
    "cat (SFConflict ann@x.org 2026-11-28-06-07-08)",
    "cat_SFConflict_ann_2026-01-31", "cat-DESKTOP-safeBackup-0001", "cat.conflict1", "cat.conflict12", "cat..path1",
    "cat.Conflict2", "cat.conflict1.conflict1",
    // Synology.
    "cat_DESKTOP_Nov-28-060708-2026_Conflict", "a_Andy-PC_Jan-03-0901-2013_CaseConflict_1",
    // Nextcloud, Unison, FileCloud, SecuriSync.
    "cat (conflicted copy 2026-11-28 060708)", "cat (conflicted copy ann 2026-11-28 060708)",
    "cat (case clash from 2026-11-28 060708)", "cat (copy: conflict on 2016-05-03)",
    "cat (copy: conflict #1 on 2016-05-03)", "cat(Conflict_ann (Web browser)_2020-03-25-22-50-36)",
    "cat (Conflicted copy 2015-10-01 for jsmith)", "cat (conflict 20260131)",
    // Dropbox.
    "cat (Ann's conflicted copy 2026-01-31)", "cat (Ann's conflicted copy 2026-01-31) (1)",
    "cat (Ann's conflicted copy)",
    "cat (Case Conflict)", "cat (case conflict 1)", "cat (Selective Sync Conflict)",
    "cat (Conflicto de mayúsculas y minúsculas)",
    "cat (Copie en conflit de DESKTOP-1 2025-11-17)", "cat (Copia en conflicto de Ann 2024-03-08)",
    "cat (Copia conflictiva de Ann 2013-03-08)", "cat (Copia in conflitto di Ann 2013-05-05)",
    "cat (Cópia em conflito de Ann 2016-01-01)", "cat (Co\u{301}pia em conflito de Ann)",
    "cat (In Konflikt stehende Kopie von Ann 2014-01-01)", "cat (Anns in Konflikt stehende Kopie 2014-01-01)",
    "cat (Konfliktkopie 2014-01-01)", "cat (Conflicterende kopie van Ann 2015-05-05)",
    "cat (Anns konfliktkopi 2016-01-01)", "cat (Anns motstridiga kopia 2014-01-01)",
    "cat (kopia powodująca konflikt 2014-01-01)", "cat (Конфликтующая копия пользователя Ann 2022-02-14)",
    "cat (конфліктна копія Ann 2022-02-14)", "cat (Ann の競合コピー 2023-10-29)", "cat (Ann 上の問題のあるコピー 2012-01-01)",
    "cat (Ann의 충돌된 사본 2014-01-01)", "cat (Ann 的冲突副本 2014-01-01)", "cat (Ann 的衝突複本 2014-01-01)",
    "cat (Salinan Ann yang berkonflik 2014-01-01)", "cat (สำเนาที่ขัดแย้งของ Ann 2014-01-01)",
  ])
  func onlyAToolWritesThis(text: String) {
    #expect(form(text) == .certain, "\(text)")
    #expect(DropNames.meaning(of: Array("\(text).prompt".utf8)) == .conflictCopy(stem: Array(text.utf8)))
  }

  @Test(arguments: [
    ("cat (Conflict)", "cat"), ("cat (conflict 1)", "cat"), ("cat (conflict #2)", "cat"), ("cat(conflicted)", "cat"),
    ("cat.Conflict", "cat"), ("cat.conflict", "cat"), ("cat.Conflict.Conflict", "cat.Conflict"), ("cat.path1", "cat"),
    ("cat [conflicted]", "cat"), ("cat [Conflict]", "cat"), ("cat  (конфликт)", "cat"),
    ("War and Peace (a conflict)", "War and Peace"),
  ])
  func aPersonCouldWriteThis(text: String, original: String) {
    #expect(form(text) == .beside(original: Array(original.utf8)), "\(text)")
    #expect(DropNames.meaning(of: Array("\(text).prompt".utf8)) == .prompt(stem: Array(text.utf8)))
  }

  @Test(arguments: [
    "Romeo and Juliet (Conflicts between families)", "conflict", "no_conflict", "cat (conflict", "cat) conflict (",
    "cat.sync-conflict", "cat.sync-conflict-2026", "cat-safeBackup", "cat-safeBackup-x", "fox (1)", "fox 2", "fox-word",
    "fox-conflict", "fox conflict", "story.conflict2026", "cat.conflict-zone", "cat.conflict1a", "(conflict)",
    ".conflict",
    "cat (1) conflict resolution", "The conflict of 2026-11-28", "cat_Nov-28-060708-2026_Sky", "apath1", "cat.path3",
    "cat (2026-11-28)", "cat (a copy)", "a photocopy (of a cat)", "Конфликт", "cat (conflict) at dusk",
    "clash (of titans)",
  ])
  func aPlainNameIsAPrompt(text: String) {
    #expect(form(text) == .none, "\(text)")
  }

  @Test func bytesThatAreNoTextAreNoCopy() {
    #expect(ConflictCopyName.form(of: [0xFF, 0xFE, 0x28, 0x29]) == .none)
    #expect(ConflictCopyName.form(of: []) == .none)
  }
}
