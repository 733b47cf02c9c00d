import ArgumentParser
import Foundation
import JobCore

/// The demo's folder and what is expected in it.
struct DemoFolder {
  /// A sample: the files that are dropped, and what has to come of them.
  struct Sample {
    var name: String
    var prompt: String
    var list: String?
    var outputs: [String]
    /// The code of its error, where it is meant to fail.
    var failsWith: ErrorCode?
  }

  /// The watched folder.
  let drop: String
  /// The journal's folder.
  let state: String

  static let samples: [Sample] = [
    Sample(name: "lighthouse", prompt: "A lighthouse at dusk, long exposure, calm sea.\n", outputs: ["lighthouse.png"]),
    Sample(
      name: "market",
      prompt: "---\naspect_ratio: 16:9\ncount: 2\n---\nA morning market in the rain, seen from above.\n",
      outputs: ["market.png", "market-2.png"]),
    Sample(
      name: "portrait", prompt: "A portrait in the colours of the two references.\n",
      list: "# reference images, one a line\npalette.png\nreferences/light.png\n", outputs: ["portrait.png"]),
    Sample(
      name: "typo", prompt: "---\nmodle: google/gempix2\n---\nThis one is wrong on purpose.\n", outputs: [],
      failsWith: .settings(.frontMatter, .unknownKey)),
  ]

  /// Makes the folder. Throws `ValidationError` where one that was named is not empty.
  static func make(_ wanted: String?) throws -> DemoFolder {
    let files = FileManager.default
    var path = wanted ?? "promptdrop-demo"
    if wanted == nil {
      var number = 1
      while files.fileExists(atPath: path) {
        number += 1
        path = "promptdrop-demo-\(number)"
      }
    } else if files.fileExists(atPath: path), try !files.contentsOfDirectory(atPath: path).isEmpty {
      throw ValidationError("\(path) is not empty; name a new folder.")
    }
    let place = DemoFolder(drop: path + "/drop", state: path + "/state")
    try files.createDirectory(atPath: place.drop + "/references", withIntermediateDirectories: true)
    return place
  }

  /// Writes the samples, references first.
  func dropSamples() throws {
    for (name, colour) in [("palette.png", [214, 93, 58]), ("references/light.png", [38, 84, 124])] {
      try Data(TinyPNG.square(colour.map(UInt8.init))).write(to: URL(fileURLWithPath: "\(drop)/\(name)"))
    }
    for sample in Self.samples {
      if let list = sample.list {
        try list.write(toFile: "\(drop)/\(sample.name).images", atomically: true, encoding: .utf8)
      }
      try sample.prompt.write(toFile: "\(drop)/\(sample.name).prompt", atomically: true, encoding: .utf8)
    }
  }

  /// Lists what was made; returns what is not as it should be.
  func report() -> [String] {
    var problems: [String] = []
    Output.print("\nWhat was made, in \(drop):\n")
    for sample in Self.samples {
      let sidecar = "\(drop)/\(sample.name).status.json"
      guard let data = FileManager.default.contents(atPath: sidecar) else {
        problems.append("\(sidecar) is missing")
        continue
      }
      let status: StatusSidecar
      do {
        status = try JSONDecoder().decode(StatusSidecar.self, from: data)
      } catch {
        problems.append("\(sidecar) cannot be read: \(error)")
        continue
      }
      if let code = sample.failsWith {
        Output.print("  \(sample.name).prompt  refused, as it should be: \(status.error?.message ?? "")\n")
        if status.state != .failed || status.error?.code != code {
          problems.append("\(sample.name) should have failed with \(code)")
        }
        continue
      }
      for output in status.outputs {
        Output.print("  \(output.file)  \(output.width)×\(output.height), \(output.bytes / 1024) KB\n")
      }
      if status.state != .done { problems.append("\(sample.name) is \(status.state.rawValue), not done") }
      for name in sample.outputs where !FileManager.default.fileExists(atPath: "\(drop)/\(name)") {
        problems.append("\(name) is missing")
      }
    }
    Output.print("Beside each prompt, NAME.status.json says what became of it.\n")
    return problems
  }
}
