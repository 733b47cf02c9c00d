import Foundation
import JobCore

/// What commands need to know of a running agent.
public struct AgentEntry: Hashable, Sendable {
  /// Its process.
  public var pid: Int32
  /// Its control socket's absolute path.
  public var socket: String
  /// Its state folder's absolute path.
  public var state: String
  /// The absolute paths of the folders that it watches, without final slashes.
  public var roots: [[UInt8]]

  /// Makes an entry. Paths in roots need not be UTF-8.
  public init(pid: Int32, socket: String, state: String, roots: [[UInt8]]) {
    self.pid = pid
    self.socket = socket
    self.state = state
    self.roots = roots.map(PathText.withoutFinalSlash)
  }

  /// Makes an entry.
  public init(pid: Int32, socket: String, state: String, roots: [String]) {
    self.init(pid: pid, socket: socket, state: state, roots: roots.map { Array($0.utf8) })
  }
}

// The file, schema `promptdrop.agent/1`: `{"schema":…,"pid":…,"socket":"…","state":"…","roots":["…"]}`. Paths are texts;
// their bytes that are not UTF-8, and the percent sign, are percent-escaped (`%FF`, `%25`).
extension AgentEntry {
  private static let schema = "promptdrop.agent/1"

  private struct File: Decodable {
    var schema: String
    var pid: Int32
    var socket: String
    var state: String
    var roots: [String]
  }

  /// Reads a file's content; nil where it is none, or of another version: an agent that could not be asked.
  init?(json: [UInt8]) {
    let file: File
    do { file = try JSONDecoder().decode(File.self, from: Data(json)) } catch { return nil }
    // Process 0 and below would mean groups of processes.
    guard file.schema == Self.schema, file.pid > 0 else { return nil }
    let paths = ([file.socket, file.state] + file.roots).map(PathText.bytes)
    guard paths.allSatisfy({ $0.first == UInt8(ascii: "/") && !$0.contains(0) }) else { return nil }
    let (socket, state) = (String(decoding: paths[0], as: UTF8.self), String(decoding: paths[1], as: UTF8.self))
    self.init(pid: file.pid, socket: socket, state: state, roots: Array(paths.dropFirst(2)))
  }

  /// The file's content.
  var json: [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.key("schema")
      writer.string(Self.schema)
      writer.key("pid")
      writer.integer(pid)
      writer.key("socket")
      writer.string(PathText.text(Array(socket.utf8)))
      writer.key("state")
      writer.string(PathText.text(Array(state.utf8)))
      writer.key("roots")
      writer.array(roots) { $0.string(PathText.text($1)) }
    }
    return writer.bytes + [10]
  }

  /// The file's name: that of the socket, which is one agent's alone while it lives, shortened by FNV-1a. (A process's
  /// number is not enough, for two containers may share the folder.)
  var fileName: String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in socket.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return Self.namePrefix + withUnsafeBytes(of: hash.bigEndian) { $0.hex } + Self.nameSuffix
  }

  static let namePrefix = "agent-"
  static let nameSuffix = ".json"
}

/// Paths, which are bytes, as texts, and back.
enum PathText {
  /// A text with everything that is not UTF-8, and the percent sign, percent-escaped.
  static func text(_ path: [UInt8]) -> String {
    var text = ""
    var rest = path[...]
    var decoder = UTF8()
    var iterator = rest.makeIterator()
    scanning: while true {
      switch decoder.decode(&iterator) {
      case .emptyInput: break scanning
      case .scalarValue("%"):
        text += "%25"
        rest = rest.dropFirst()
      case .scalarValue(let scalar):
        text.unicodeScalars.append(scalar)
        rest = rest.dropFirst(UTF8.width(scalar))
      case .error:
        // Byte by byte from where the fault begins, so that nothing depends on how much of it the decoder passed.
        guard let byte = rest.popFirst() else { break scanning }
        text += "%" + [byte].hex.uppercased()
        decoder = UTF8()
        iterator = rest.makeIterator()
      }
    }
    return text
  }

  /// The path that a text stands for. A percent sign without two hexadecimal digits stands for itself.
  static func bytes(_ text: String) -> [UInt8] {
    let source = Array(text.utf8)
    var path: [UInt8] = []
    var index = 0
    while index < source.count {
      if source[index] == UInt8(ascii: "%"), index + 2 < source.count,
        let byte = UInt8(String(decoding: source[index + 1...index + 2], as: UTF8.self), radix: 16),
        source[index + 1] != UInt8(ascii: "+"), source[index + 1] != UInt8(ascii: "-")
      {
        path.append(byte)
        index += 3
      } else {
        path.append(source[index])
        index += 1
      }
    }
    return path
  }

  /// The path without slashes at its end; `/` stays.
  static func withoutFinalSlash(_ path: [UInt8]) -> [UInt8] {
    var path = path
    while path.count > 1, path.last == UInt8(ascii: "/") { path.removeLast() }
    return path
  }

  /// Whether a path is a folder or lies below it. Both without final slashes.
  static func isBelowOrEqual(_ path: [UInt8], _ folder: [UInt8]) -> Bool {
    guard path.starts(with: folder) else { return false }
    return path.count == folder.count || folder.last == UInt8(ascii: "/") || path[folder.count] == UInt8(ascii: "/")
  }
}
