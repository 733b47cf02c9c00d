import CLinux
import Glibc

/// Gives a file another name in its folder. Throws `SystemError`; `EEXIST` where the name is taken and not to be replaced.
func renameWithin(_ folder: Int32, _ from: [UInt8], to: [UInt8], replacing: Bool) throws(SystemError) {
  if replacing {
    let failure = withCString(from) { from in
      withCString(to) { renameat(folder, from, folder, $0) == 0 ? 0 : errno }
    }
    if failure != 0 { throw SystemError(failure) }
  } else {
    try moveToNewName(from, in: folder, to: to, in: folder)
  }
}

/// Moves a file to a name that nothing has. Throws `SystemError`; `EEXIST` where something has it.
///
/// NFS, SMB and most of what is served by FUSE cannot rename without replacing. A hard link cannot replace anything
/// either; where there are none, the name is taken by an empty file first.
func moveToNewName(_ from: [UInt8], in source: Int32, to new: [UInt8], in target: Int32) throws(SystemError) {
  let failure = withCString(from) { from in
    withCString(new) { pd_rename_new(source, from, target, $0) == 0 ? 0 : errno }
  }
  if failure == 0 { return }
  guard isUnsupported(failure) else { throw SystemError(failure) }
  if linkat(source, cString(from), target, cString(new), 0) == 0 {
    // A temporary name that stays is swept up later, and any other is a second name of the same bytes.
    unlinkat(source, cString(from), 0)
    return
  }
  guard isUnsupported(errno) || errno == EPERM || errno == EMLINK else { throw SystemError(errno) }
  try moveOverPlaceholder(from, in: source, to: new, in: target)
}

/// The way for a file system that has neither: whoever makes the empty file owns the name. Throws as `moveToNewName` does.
func moveOverPlaceholder(_ from: [UInt8], in source: Int32, to new: [UInt8], in target: Int32) throws(SystemError) {
  _ = try Descriptor.open(beneath: target, new, O_WRONLY | O_CREAT | O_EXCL, mode: 0o666)
  if renameat(source, cString(from), target, cString(new)) == 0 { return }
  let number = errno
  unlinkat(target, cString(new), 0)
  throw SystemError(number)
}

private func isUnsupported(_ number: Int32) -> Bool { [EINVAL, ENOSYS, EOPNOTSUPP].contains(number) }
