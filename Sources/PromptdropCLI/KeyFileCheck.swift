import Foundation
import Glibc

/// Whether a key file can be trusted: nobody but the agent's user and root may read it or put another one in its place.
/// Secrets that Docker and Kubernetes mount are root's and readable by a group or by all of the container; those count
/// where only the container can see them.
struct KeyFileCheck {
  let path: String
  let status: stat
  /// An open descriptor of the file.
  let descriptor: Int32

  /// Throws `ConfigurationError`, which says what to do.
  func check() throws(ConfigurationError) {
    let others = status.st_mode & 0o077
    // Who could put his own file there would have everything made on his account.
    guard status.st_uid == geteuid() || status.st_uid == 0 else {
      throw ConfigurationError(
        "The key file \(path) belongs to another user. \(advice("Run: chown \(geteuid()) \(path)"))")
    }
    if others == 0 { return }
    if status.st_uid == 0, status.st_mode & 0o777 == 0o440, isInAgentsGroup { return }
    if status.st_uid == 0, status.st_mode & 0o777 == 0o444, isMountedSecret { return }
    throw ConfigurationError("The key file \(path) can be read by others. \(advice("Run: chmod 600 \(path)"))")
  }

  // 0440 of a group that the agent is in: Kubernetes' fsGroup, Docker's "gid".
  private var isInAgentsGroup: Bool {
    if status.st_gid == getegid() { return true }
    let count = getgroups(0, nil)
    guard count > 0 else { return false }
    var groups = [gid_t](repeating: 0, count: Int(count))
    return getgroups(count, &groups) == count && groups.contains(status.st_gid)
  }

  // 0444 on a mount of its own that the agent cannot write. The links in such a mount (Kubernetes: key → ..data/key →
  // ..2026_11/key) lead nowhere else, or somebody could have set them.
  private var isMountedSecret: Bool {
    guard let own = Self.mountID(descriptor), let root = Self.mountID(of: "/"), own != root else { return false }
    if isLink, Self.mountID(of: URL(fileURLWithPath: path).deletingLastPathComponent().path) != own { return false }
    return !canBeWritten
  }

  private var isLink: Bool {
    var link = stat()
    // In doubt it is one.
    return lstat(path, &link) != 0 || link.st_mode & S_IFMT == S_IFLNK
  }

  private var canBeWritten: Bool {
    var system = statvfs()
    // In doubt it can.
    guard fstatvfs(descriptor, &system) == 0 else { return true }
    if system.f_flag & UInt(ST_RDONLY) != 0 { return false }
    guard let resolved = realpath(path, nil) else { return true }
    defer { free(resolved) }
    let folders = [
      URL(fileURLWithPath: String(cString: resolved)).deletingLastPathComponent().path,
      URL(fileURLWithPath: path).deletingLastPathComponent().path,
    ]
    return ([String(cString: resolved)] + folders).contains { faccessat(AT_FDCWD, $0, W_OK, AT_EACCESS) == 0 }
  }

  private var isReadOnly: Bool {
    var system = statvfs()
    return fstatvfs(descriptor, &system) == 0 && system.f_flag & UInt(ST_RDONLY) != 0
  }

  // Where the file's rights cannot be changed, whoever mounts it has to.
  private func advice(_ command: String) -> String {
    guard isReadOnly || (status.st_uid == 0 && geteuid() != 0) else { return command }
    return
      "Mount the secret with mode 0440 and a group of this agent (Docker: \"mode: 0440\" and \"gid: \(getegid())\"; "
      + "Kubernetes: \"defaultMode: 0440\" and \"fsGroup: \(getegid())\"), or as a file that user \(geteuid()) owns, mode 0400."
  }

  // proc(5): /proc/pid/fdinfo names the mount that a descriptor's file is on.
  private static func mountID(_ descriptor: Int32) -> String? {
    guard let text = try? String(contentsOfFile: "/proc/self/fdinfo/\(descriptor)", encoding: .utf8) else {
      return nil  // Without /proc nothing is known, so nothing is trusted.
    }
    return text.split(separator: "\n").first { $0.hasPrefix("mnt_id:") }.map { String($0.dropFirst(7)) }
  }

  private static func mountID(of folder: String) -> String? {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    return mountID(descriptor)
  }
}
