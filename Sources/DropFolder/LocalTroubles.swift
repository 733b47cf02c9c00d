import Glibc
import JobCore

extension LocalTrouble {
  /// Says what a failed system call on a file means to the user.
  init(_ failure: SystemError, doing what: String, _ name: String, isFatal: Bool = false) {
    let (code, hint): (String, String) =
      switch failure.number {
      case ENOSPC, EDQUOT: ("disk-full", "Free some space; promptdrop goes on by itself.")
      case EROFS: ("read-only", "The folder is mounted read-only; mount it writable.")
      case EACCES, EPERM:
        ("no-permission", "Give the user that promptdrop runs as the right to read and write the folder.")
      case EMFILE, ENFILE: ("too-many-files", "Raise the limit of open files (LimitNOFILE= in the unit, or ulimit -n).")
      case ENOENT, ENOTDIR:
        (JobError.folderGone, "The folder was moved or deleted; promptdrop goes on when it is back.")
      case ENODEV: (JobError.rootGone, "Put the folder back, or mount it again; promptdrop goes on by itself.")
      case ENAMETOOLONG: (JobError.nameTooLong, "Give the prompt a shorter name, so that its sidecar's name fits too.")
      case ELOOP, EXDEV: ("symbolic-link", "Symbolic links are not followed; put the file itself into the folder.")
      case EAGAIN:
        ("file-in-use", "Another program has it for itself at present, as Samba does for a client; it is tried again.")
      case EIO: ("input-output-error", "The disk reports an error; see the kernel's log.")
      default: ("file-error", "See the message.")
      }
    self.init(
      JobError(code: code, message: "Cannot \(what) \(name): \(failure.text).", hint: hint, retryable: true),
      isFatal: isFatal)
  }
}
