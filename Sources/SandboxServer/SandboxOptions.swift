/// What a ``Sandbox`` is started with. Every field has a default that suits a demo.
public struct SandboxOptions: Sendable {
  /// The address to listen on: a literal IP address or a host name.
  public var host = "127.0.0.1"
  /// The TCP port to listen on; 0 lets the system choose a free one.
  public var port = 0
  /// The one key that is good. `nil`: any non-empty Bearer token is.
  public var apiKey: String?
  /// The time from an accepted submit until the task is final. `pending`, `submitted`, `in_progress` and the final
  /// status are spread over it. `.zero`: final at the first query.
  public var statusDelay: Duration = .seconds(3)
  /// The width of a drawn picture in pixels, when the submit asks for no shape or size of its own.
  public var imageWidth = 512
  /// The height of a drawn picture in pixels, when the submit asks for no shape or size of its own.
  public var imageHeight = 512
  /// How many pictures a task yields.
  public var imagesPerTask = 1
  /// Above 0: that many PNGs of about 20 KB are drawn at the start and served round robin, so that a benchmark
  /// measures its client and not the drawing.
  public var imagePool = 0
  /// Scripted misbehaviour, the first that matches is applied.
  public var faults: [Fault] = []
  /// How the `result` of a finished task is written, unless a fault says otherwise.
  public var resultShape: ResultShape = .urls
  /// Called with one line a request: method, path, status, task id, faults applied. Never the key.
  public var log: (@Sendable (String) -> Void)?
  /// The `consumed` of a successful task: credits as a decimal string.
  public var consumed = "0.500000"
  /// Whether the ledger keeps the raw bodies of the submits (the newest 256 MiB of them).
  public var keepBodies = true
  /// How many submits the ledger remembers; the oldest are dropped.
  public var ledgerLimit = 100_000
  /// The largest accepted body in bytes; a larger one is answered 413.
  public var maximumBody = 64 << 20
  /// The wait before a webhook's second try; the third waits twice as long, and there is no fourth.
  public var webhookRetryDelay: Duration = .milliseconds(250)
  /// How long a final task can still be queried.
  public var retention: Duration = .seconds(3600)

  /// The defaults: any key, a free port on loopback, three seconds a task, no faults.
  public init() {}
}
