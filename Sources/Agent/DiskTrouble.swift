import JobCore

/// What could not be written. On a disk that is almost full there may be room for a sidecar and none for a picture.
struct DiskTroubles {
  /// What was to be written.
  enum Kind: Hashable { case picture, sidecar }
  private struct Place: Hashable {
    var root: RootID
    var kind: Kind
  }

  private var troubles: [Place: JobError] = [:]
  /// The last trouble of the machine's, until something was written after it.
  var latest: JobError?

  /// A disk takes nothing more. Whether that is new for the root.
  mutating func unwritten(_ error: JobError, _ kind: Kind, in root: RootID) -> Bool {
    let isNew = !troubles.contains { $0.key.root == root && $0.value.code == error.code }
    troubles[Place(root: root, kind: kind)] = error
    return isNew
  }

  /// Something was written. Whether that ends the root's trouble.
  mutating func written(_ kind: Kind, in root: RootID) -> Bool {
    troubles.removeValue(forKey: Place(root: root, kind: kind)) != nil && trouble(in: root) == nil
  }

  /// What is wrong in a root at present.
  func trouble(in root: RootID) -> JobError? { troubles.first { $0.key.root == root }?.value }
}

// A disk that takes nothing more is nobody's file's fault: it is said once for each watched folder, in the log and for as long
// as it lasts in `status`, not for each picture that waits for it.
extension Pipeline {
  /// The last trouble of the machine's, until something was written after it.
  var localTrouble: JobError? {
    get { diskTroubles.latest }
    set { diskTroubles.latest = newValue }
  }

  /// Says that something in a root could not be written.
  func noticeLocal(_ error: JobError, _ kind: DiskTroubles.Kind, in root: RootID) {
    guard error.isOfDisk else { return observer.notice(.warning, error) }
    var trouble = error
    trouble.message =
      "Nothing can be written in \(name(of: root)): \(error.message) Pictures that are paid for wait, and nothing is "
      + "submitted there."
    if diskTroubles.unwritten(trouble, kind, in: root) { observer.notice(.warning, trouble) }
  }

  /// Something in the root was written.
  func noticeWritten(_ kind: DiskTroubles.Kind, in root: RootID) {
    guard diskTroubles.written(kind, in: root) else { return }
    observer.notice(.info, JobError(code: .diskWorks, message: "\(name(of: root)) can be written again."))
  }
}
