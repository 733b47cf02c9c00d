import Foundation
import Glibc
import PromptFile

/// What tells this machine from others, as far as anything does: machines that were cloned are the same, and a container
/// that is made anew is another one. So it decides nothing about whose a folder is; the agent's identity does. Earlier
/// versions' sidecars and owners have it.
enum Machine {
  /// A word for it: 16 hexadecimal digits of a hash of its machine id (machine-id(5)), so that the id itself, which is
  /// confidential, stands in no folder. Where there is none, of its name.
  static var word: String {
    let reader = PromptReader(.init(model: "", agentName: ""))
    return String(reader.digest("promptdrop machine \(identity)").prefix(16))
  }

  private static var identity: String {
    for path in ["/etc/machine-id", "/var/lib/dbus/machine-id"] {
      // One that is not there or is empty, as in many containers, says nothing.
      let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
      let id = text.trimmingCharacters(in: .whitespacesAndNewlines)
      if id.count >= 32 { return id }
    }
    return ProcessInfo.processInfo.hostName
  }
}
