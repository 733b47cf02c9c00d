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

  /// As `sidecar`, on the calling thread. `folder`: the prompt's, where that is open.
  func findSidecar(of prompt: FileKey, in folder: OpenFolder? = nil) throws(LocalTrouble) -> [UInt8]? {
    for besidesForeign in [false, true] {
      guard let name = Self.sidecarName(of: prompt, besidesForeign: besidesForeign) else { return nil }
      let sidecar = prompt.sibling(name)
      // As it is beside a new prompt.
      if isMissing(sidecar, in: folder) { continue }
      do throws(SystemError) {
        if let own = ownBytes(of: sidecar) { return own }
        let file = try open(sidecar, O_RDONLY | O_NONBLOCK, in: folder)
        let status = try file.status()
        guard status.isRegular else { continue }
        let bytes = try file.read(limit: min(Self.sidecarLimit, Int(status.st_size) + 1))
        if StatusSidecar.isOurs(bytes) { return bytes }
      } catch {
        switch error.number {
        case ENOENT, ENOTDIR, ELOOP, EXDEV, ENXIO, ENAMETOOLONG: continue
        default: throw LocalTrouble(error, doing: "read", sidecar.path.display)
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
      // A name of which this process knows nothing is free as a rule; where it is not, the rename says so.
      var place = try self.firstPlace(of: prompt, in: folder)
      let written = try self.write(bytes, for: place.sidecar, in: folder)
      do throws(LocalTrouble) {
        if try self.give(place, written, bytes, in: folder) { return }
        place = try self.freePlace(of: prompt, in: folder)
        if try self.give(place, written, bytes, in: folder) { return }
        throw LocalTrouble(SystemError(EEXIST), doing: "write", place.sidecar.path.display)
      } catch {
        unlinkat(folder.number, cString(written.temporary), 0)
        throw error
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
    DropNames.stem(prompt.path.name).map { DropNames.sidecar(stem: $0, besidesForeign: besidesForeign) }
  }

  private enum NameOwner { case nobody, ours, somebody }

  private func owner(of sidecar: FileKey, in folder: borrowing Descriptor) throws(SystemError) -> NameOwner {
    let name = sidecar.path.name
    do throws(SystemError) {
      if let root = roots[sidecar.root], root.sidecars.knows(sidecar.path), stillStands(sidecar, in: folder, root) {
        return .ours
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

  /// Where a sidecar goes.
  private struct Place {
    var sidecar: FileKey
    /// Whether it takes the place of one of promptdrop's.
    var isReplacing: Bool
  }

  // A look costs as much as it saves where nothing is known of the name.
  private func firstPlace(of prompt: FileKey, in folder: borrowing Descriptor) throws(LocalTrouble) -> Place {
    if let name = Self.sidecarName(of: prompt, besidesForeign: false), let root = roots[prompt.root] {
      let sidecar = prompt.sibling(name)
      guard root.sidecars.knows(sidecar.path) else { return Place(sidecar: sidecar, isReplacing: false) }
      if stillStands(sidecar, in: folder, root) { return Place(sidecar: sidecar, isReplacing: true) }
    }
    return try freePlace(of: prompt, in: folder)
  }

  // Whether what stands under the name is what this process put there, as it was. False also where that cannot be told.
  private func stillStands(_ sidecar: FileKey, in folder: borrowing Descriptor, _ root: RootFolder) -> Bool {
    do throws(SystemError) {
      let status = try folder.status(of: sidecar.path.name)
      return root.controls.hears(UInt64(status.st_dev)) && root.sidecars.isOwn(sidecar.path, status.stamp)
    } catch {
      return false
    }
  }

  private func freePlace(of prompt: FileKey, in folder: borrowing Descriptor) throws(LocalTrouble) -> Place {
    for besidesForeign in [false, true] {
      guard let name = Self.sidecarName(of: prompt, besidesForeign: besidesForeign) else { continue }
      let sidecar = prompt.sibling(name)
      do throws(SystemError) {
        switch try owner(of: sidecar, in: folder) {
        case .nobody: return Place(sidecar: sidecar, isReplacing: false)
        case .ours: return Place(sidecar: sidecar, isReplacing: true)
        case .somebody: continue
        }
      } catch {
        throw LocalTrouble(error, doing: "write", sidecar.path.display)
      }
    }
    throw LocalTrouble(
      JobError(
        code: .sidecarNameTaken,
        message: "Both names for the status sidecar of \(prompt.path.display) belong to files of others.",
        hint: "Move NAME.status.json or NAME.promptdrop.status.json away. promptdrop goes on by itself.",
        retryable: true))
  }

  /// A sidecar under its temporary name, durable but for that.
  private struct Written {
    var temporary: [UInt8]
    var stamp: FileStamp
  }

  private func write(
    _ bytes: [UInt8], for sidecar: FileKey, in folder: borrowing Descriptor
  ) throws(LocalTrouble) -> Written {
    do throws(SystemError) {
      do throws(SystemError) { return try write(bytes, in: folder, of: sidecar.root) } catch {
        guard error.number == EIO else { throw error }
        return try write(bytes, in: folder, of: sidecar.root)
      }
    } catch {
      throw LocalTrouble(error, doing: "write", sidecar.path.display)
    }
  }

  // Closed again when this returns: a close after the rename would be reported under the final name, as a person's is who has
  // edited the file.
  private func write(
    _ bytes: [UInt8], in folder: borrowing Descriptor, of root: RootID
  ) throws(SystemError) -> Written {
    let temporary = newTemporary()
    do throws(SystemError) {
      let file = try folder.open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: 0o666)
      try file.write(bytes)
      // Always, also for mere progress: some file systems (XFS) have the new name without its bytes after a power cut, and
      // the sidecar that was replaced is gone with it. What progress saves is the folder's sync.
      try workers.syncing(root) { () throws(SystemError) in try file.sync() }
      return Written(temporary: temporary, stamp: try file.status().stamp)
    } catch {
      unlinkat(folder.number, cString(temporary), 0)
      throw error
    }
  }

  // False: the name is taken after all.
  private func give(
    _ place: Place, _ written: Written, _ bytes: [UInt8], in folder: borrowing Descriptor
  ) throws(LocalTrouble) -> Bool {
    let own = roots[place.sidecar.root]?.sidecars
    own?.willPlace(place.sidecar.path, written.stamp, bytes)
    do throws(SystemError) {
      try renameWithin(folder.number, written.temporary, to: place.sidecar.path.name, replacing: place.isReplacing)
      return true
    } catch {
      own?.forget(place.sidecar.path)
      if error.number == EEXIST, !place.isReplacing { return false }
      throw LocalTrouble(error, doing: "write", place.sidecar.path.display)
    }
  }
}
