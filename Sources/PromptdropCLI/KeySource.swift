import Foundation
import Glibc
import ImageAPI

/// Where the API key comes from: a file, systemd's credentials, the environment. Never a flag's value, which every user
/// of the machine can read.
enum KeySource {
  /// Finds the key. Throws `ConfigurationError`, without the key in it.
  static func find(
    _ configuration: Configuration, environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(ConfigurationError) -> APIKey {
    if let path = configuration.apiKeyFile { return try read(path, isPrivate: true) }
    if let folder = HomeFolder.set(environment["CREDENTIALS_DIRECTORY"]) {
      let path = folder + "/api-key"
      // systemd guards that folder itself; its files may carry an access list that shows as group rights.
      if FileManager.default.fileExists(atPath: path) { return try read(path, isPrivate: false) }
    }
    if let key = HomeFolder.set(environment["PROMPTDROP_API_KEY"]) { return try checked(key, "PROMPTDROP_API_KEY") }
    throw ConfigurationError(
      "There is no API key. Put it into a file that only you can read and name that with --api-key-file, "
        + "or set PROMPTDROP_API_KEY.")
  }

  private static func read(_ path: String, isPrivate: Bool) throws(ConfigurationError) -> APIKey {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    var status = stat()
    guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
      let why = String(cString: strerror(errno))
      if descriptor >= 0 { close(descriptor) }
      throw ConfigurationError("The key file \(path) cannot be read: \(why).")
    }
    let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    if isPrivate { try KeyFileCheck(path: path, status: status, descriptor: descriptor).check() }
    do {
      return try checked(String(decoding: try file.read(upToCount: 65_536) ?? Data(), as: UTF8.self), path)
    } catch let error as ConfigurationError {
      throw error
    } catch {
      throw ConfigurationError("The key file \(path) cannot be read.")
    }
  }

  private static func checked(_ text: String, _ place: String) throws(ConfigurationError) -> APIKey {
    let key = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard !key.isEmpty, key.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
      throw ConfigurationError("The content of \(place) is not an API key: an API key is one line of printable ASCII.")
    }
    return APIKey(key)
  }
}
