import Foundation

/// Measures what people write by hand: inotifywait and curl in a shell loop, with no journal and no sidecar.
struct ScriptTrial {
  let url: String
  let parent: String

  private static let script = """
    cd "$1" || exit 1
    inotifywait -m -q -e moved_to --format %f . | while IFS= read -r file; do
      case "$file" in *.prompt) ;; *) continue ;; esac
      stem="${file%.prompt}"
      text="$(cat "$file")"
      id="$(curl -s -H 'Authorization: Bearer dk-bench' -H 'Content-Type: application/json' \\
        -d "{\\"model\\":\\"google/gempix2\\",\\"prompt\\":\\"$text\\"}" "$2/api/image/gen" \\
        | sed 's/.*"task_id":"\\([^"]*\\)".*/\\1/')"
      image="$(curl -s -H 'Authorization: Bearer dk-bench' "$2/api/task/query?task_id=$id" \\
        | sed 's/.*"image":"\\([^"]*\\)".*/\\1/')"
      curl -s -o ".$stem.tmp" "$(printf %s "$image" | sed 's#\\\\/#/#g')" && mv ".$stem.tmp" "$stem.png"
      echo '{"state": "done"}' > "$stem.status.json"
    done
    """

  func run(files: Int) throws -> Cost {
    let place = try Place(in: parent)
    defer { place.remove() }
    let child = try Child(["bash", "-c", Self.script, "script", place.drop, url], output: place.log)
    var cost = try place.measure(files, with: child, until: .sidecar)
    // Nearly all of it is used by processes that have ended.
    (cost.cpuSeconds, cost.peakMB) = child.end()
    return cost
  }
}
