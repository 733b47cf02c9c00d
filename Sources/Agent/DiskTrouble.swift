import JobCore

// A disk that takes nothing more is nobody's file's fault: it is said once for each watched folder, in the log and for as long
// as it lasts in `status`, not for each picture that waits for it.
extension Pipeline {
  /// What could not be written: on a disk that is almost full there may be room for a sidecar and none for a picture.
  struct Unwritten: Hashable {
    enum Kind: Hashable { case picture, sidecar }
    var root: RootID
    var kind: Kind
  }

  /// Says that something in a root could not be written.
  func noticeLocal(_ error: JobError, _ kind: Unwritten.Kind, in root: RootID) {
    guard error.isOfDisk else { return observer.notice(.warning, error) }
    let isNew = !diskTroubles.contains { $0.key.root == root && $0.value.code == error.code }
    var trouble = error
    trouble.message =
      "Nothing can be written in \(name(of: root)): \(error.message) Pictures that are paid for wait, and nothing is "
      + "submitted there."
    diskTroubles[Unwritten(root: root, kind: kind)] = trouble
    if isNew { observer.notice(.warning, trouble) }
  }

  /// Something in the root was written.
  func noticeWritten(_ kind: Unwritten.Kind, in root: RootID) {
    guard diskTroubles.removeValue(forKey: Unwritten(root: root, kind: kind)) != nil,
      !diskTroubles.contains(where: { $0.key.root == root })
    else { return }
    observer.notice(.info, JobError(code: .diskWorks, message: "\(name(of: root)) can be written again."))
  }
}
