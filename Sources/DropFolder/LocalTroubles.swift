import Glibc
import JobCore

extension LocalTrouble {
  /// Says what a failed system call on a file means to the user.
  init(_ failure: SystemError, doing what: String, _ name: String, isFatal: Bool = false) {
    let (code, hint): (ErrorCode, String) =
      switch failure.number {
      case ENOSPC, EDQUOT: (.diskFull, "Free some space; promptdrop goes on by itself.")
      case EROFS: (.readOnly, "The folder is mounted read-only; mount it writable.")
      case EACCES, EPERM:
        (.noPermission, "Give the user that promptdrop runs as the right to read and write the folder.")
      case EMFILE, ENFILE: (.tooManyFiles, "Raise the limit of open files (LimitNOFILE= in the unit, or ulimit -n).")
      case ENOENT, ENOTDIR:
        (.folderGone, "The folder was moved or deleted; promptdrop goes on when it is back.")
      case ENODEV: (.rootGone, "Put the folder back, or mount it again; promptdrop goes on by itself.")
      case ENAMETOOLONG: (.nameTooLong, "Give the prompt a shorter name, so that its sidecar's name fits too.")
      case ELOOP, EXDEV: (.symbolicLink, "Symbolic links are not followed; put the file itself into the folder.")
      case EAGAIN:
        (.fileInUse, "Another program has locked it, as Samba does for a client. promptdrop tries again by itself.")
      case EIO: (.inputOutputError, "The disk reports an error; see the kernel's log.")
      default: (.fileError, Self.hint(failure.number))
      }
    self.init(
      JobError(code: code, message: "Cannot \(what) \(name): \(failure.text).", hint: hint, retryable: true),
      isFatal: isFatal)
  }

  // What is rare. None of it is the prompt's fault, so all of it is tried again.
  private static func hint(_ number: Int32) -> String {
    switch number {
    case ENOTCONN, ESTALE, ETIMEDOUT, EHOSTDOWN, EHOSTUNREACH, ENETUNREACH, ECONNREFUSED, EREMOTEIO:
      "The folder's server does not answer. Check it and the mount; promptdrop goes on by itself when it is back."
    case ENOSYS, EOPNOTSUPP, EINVAL:
      "The kernel, the file system or a filter of system calls (SystemCallFilter= in the unit) does not allow it; allow it, or move "
        + "the folder to another file system."
    case ENOMEM: "There is not enough memory. Free some, or raise MemoryMax= in the unit; promptdrop goes on by itself."
    case EFBIG: "Raise the largest file size (ulimit -f, LimitFSIZE= in the unit), or use another file system."
    case EBUSY, EAGAIN, ETXTBSY, EDEADLK:
      "Another program keeps it busy; promptdrop tries again by itself, and goes on once that is over."
    default: "promptdrop tries again by itself. If that does not help, see the kernel's log: journalctl -k."
    }
  }
}
