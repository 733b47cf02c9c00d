import Glibc
import JobCore

// Status sidecars: found, replaced atomically, and never in the place of a file that is not promptdrop's.
extension FolderFiles {
  // More than any sidecar that promptdrop writes; a larger file is not ours.
  private static let sidecarLimit = 1_048_576

  /// The status sidecar of a prompt, where there is one of promptdrop's. Throws where that cannot be determined: it may be the only
  /// thing that tells of a payment.
  public func sidecar(of prompt: FileKey) async throws(LocalTrouble) -> [UInt8]? {
    try await tryOnWorker(few(prompt.root)) { () throws(LocalTrouble) in try self.findSidecar(of: prompt) }
  }

  /// As `sidecar`, on the calling thread.
  func findSidecar(of prompt: FileKey) throws(LocalTrouble) -> [UInt8]? {
    for besidesForeign in [false, true] {
      guard let name = Self.sidecarName(of: prompt, besidesForeign: besidesForeign) else { return nil }
      do throws(SystemError) {
        if let own = ownBytes(of: prompt.sibling(name)) { return own }
        let file = try open(prompt.root, prompt.sibling(name).path.bytes, O_RDONLY | O_NONBLOCK)
        guard try file.status().isRegular else { continue }
        let bytes = try file.read(limit: Self.sidecarLimit)
        if StatusSidecar.isOurs(bytes) { return bytes }
      } catch {
        switch error.number {
        case ENOENT, ENOTDIR, ELOOP, EXDEV, ENXIO, ENAMETOOLONG: continue
        default: throw LocalTrouble(error, doing: "read", prompt.sibling(name).path.display)
        }
      }
    }
    return nil
  }

  // What this process has put there, where it still stands there as it was put: one look tells. Not where changes are not
  // heard of: what another machine does may leave no trace that this one sees.
  private func ownBytes(of sidecar: FileKey) -> [UInt8]? {
    guard let root = roots[sidecar.root], root.sidecars.knows(sidecar.path), let place = root.place else { return nil }
    do throws(SystemError) {
      let status = try place.folder(sidecar.path.directory).status(of: sidecar.path.name)
      guard status.isRegular, root.controls.hears(UInt64(status.st_dev)) else { return nil }
      return root.sidecars.bytes(sidecar.path, status.stamp)
    } catch {
      return nil  // Who opens it finds out why.
    }
  }

  /// Replaces the sidecar of a prompt. A write whose sync fails is thrown away and made anew, once. Durable: the folder is
  /// synced too.
  public func writeSidecar(_ bytes: [UInt8], of prompt: FileKey, durable: Bool) async throws(LocalTrouble) {
    try await inFolder(of: prompt, durable: durable, syncs: true) { folder throws(LocalTrouble) in
      let (name, replacing) = try self.freeSidecarName(of: prompt, in: folder)
      let sidecar = prompt.sibling(name)
      do throws(SystemError) {
        try self.publish(bytes, as: sidecar, in: folder, replacing: replacing)
      } catch let first {
        do throws(SystemError) {
          guard first.number == EIO else { throw first }
          try self.publish(bytes, as: sidecar, in: folder, replacing: replacing)
        } catch {
          throw LocalTrouble(error, doing: "write", sidecar.path.display)
        }
      }
    }
  }

  /// Removes the sidecar of a prompt that is gone, where it is promptdrop's.
  public func removeSidecar(of prompt: FileKey) async throws(LocalTrouble) {
    try await tryOnWorker { () throws(LocalTrouble) in
      let folder = try self.openFolder(of: prompt)
      for besidesForeign in [false, true] {
        guard let name = Self.sidecarName(of: prompt, besidesForeign: besidesForeign),
          // What cannot be looked at is not removed.
          case .ours? = try? self.owner(of: prompt.sibling(name), in: folder)
        else { continue }
        self.roots[prompt.root]?.sidecars.forget(prompt.sibling(name).path)
        if unlinkat(folder.number, cString(name), 0) != 0, errno != ENOENT {
          throw LocalTrouble(SystemError(errno), doing: "remove", prompt.sibling(name).path.display)
        }
      }
    }
  }

  private static func sidecarName(of prompt: FileKey, besidesForeign: Bool) -> [UInt8]? {
    switch DropNames.meaning(of: prompt.path.name) {
    case .prompt(let stem), .conflictCopy(let stem): DropNames.sidecar(stem: stem, besidesForeign: besidesForeign)
    default: nil
    }
  }

  private enum NameOwner { case nobody, ours, somebody }

  private func owner(of sidecar: FileKey, in folder: borrowing Descriptor) throws(SystemError) -> NameOwner {
    let name = sidecar.path.name
    do throws(SystemError) {
      if let root = roots[sidecar.root], root.sidecars.knows(sidecar.path) {
        let status = try folder.status(of: name)
        if root.controls.hears(UInt64(status.st_dev)), root.sidecars.isOwn(sidecar.path, status.stamp) { return .ours }
      }
      let file = try folder.open(name, O_RDONLY | O_NONBLOCK)
      let status = try file.status()
      guard status.isRegular else { return .somebody }
      // Nobody's content is lost with an empty file; left alone, it would be one for ever.
      if status.st_size == 0 { return .ours }
      return StatusSidecar.isOurs(try file.read(limit: 256)) ? .ours : .somebody
    } catch {
      switch error.number {
      case ENOENT: return .nobody
      case ENAMETOOLONG, EIO, EMFILE, ENFILE: throw error
      default: return .somebody
      }
    }
  }

  private func freeSidecarName(
    of prompt: FileKey, in folder: borrowing Descriptor
  ) throws(LocalTrouble) -> (name: [UInt8], replacing: Bool) {
    for besidesForeign in [false, true] {
      guard let name = Self.sidecarName(of: prompt, besidesForeign: besidesForeign) else { continue }
      let owner: NameOwner
      do throws(SystemError) {
        owner = try self.owner(of: prompt.sibling(name), in: folder)
      } catch {
        throw LocalTrouble(error, doing: "write", prompt.sibling(name).path.display)
      }
      switch owner {
      case .nobody: return (name, false)
      case .ours: return (name, true)
      case .somebody: continue
      }
    }
    throw LocalTrouble(
      JobError(
        code: .sidecarNameTaken,
        message: "Both names for the status sidecar of \(prompt.path.display) belong to files of others.",
        hint: "Move NAME.status.json or NAME.promptdrop.status.json away. promptdrop goes on by itself.",
        retryable: true))
  }

  private func publish(
    _ bytes: [UInt8], as sidecar: FileKey, in folder: borrowing Descriptor, replacing: Bool
  ) throws(SystemError) {
    let temporary = newTemporary()
    let own = roots[sidecar.root]?.sidecars
    do throws(SystemError) {
      own?.willPlace(sidecar.path, try write(bytes, as: temporary, in: folder), bytes)
      try renameWithin(folder.number, temporary, to: sidecar.path.name, replacing: replacing)
    } catch {
      own?.forget(sidecar.path)
      unlinkat(folder.number, cString(temporary), 0)
      throw error
    }
  }

  // Closed again when this returns: a close after the rename would be reported under the final name, as a person's is who has
  // edited the file.
  private func write(
    _ bytes: [UInt8], as temporary: [UInt8], in folder: borrowing Descriptor
  ) throws(SystemError) -> FileStamp {
    let file = try folder.open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: 0o666)
    try file.write(bytes)
    // Always, also for mere progress: some file systems (XFS) have the new name without its bytes after a power cut, and
    // the sidecar that was replaced is gone with it. What progress saves is the folder's sync.
    try workers.syncing { () throws(SystemError) in try file.sync() }
    return try file.status().stamp
  }
}
