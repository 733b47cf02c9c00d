import SandboxServer
import Testing

struct FaultSpecTests {
  @Test(
    arguments: [
      ("submit-status=503", "submit-status", "503", nil),
      ("submit-status=503:2", "submit-status", "503", 2),
      (" query-lost : 1 ", "query-lost", nil, 1),
      ("submit-retry-after=Wed, 21 Oct 2015 07:28:00 GMT", "submit-retry-after", "Wed, 21 Oct 2015 07:28:00 GMT", nil),
      ("submit-redirect=http://h:8080", "submit-redirect", "http://h:8080", nil),
      ("submit-redirect=http://h:8080/x:3", "submit-redirect", "http://h:8080/x", 3),
      ("image-redirect=loop:2", "image-redirect", "loop", 2),
      ("task-failed=content policy: violence", "task-failed", "content policy: violence", nil),
      ("image-type=text/html; charset=utf-8", "image-type", "text/html; charset=utf-8", nil),
    ] as [(String, String, String?, Int?)])
  func reads(spec: String, kind: String, argument: String?, count: Int?) throws {
    let fault = try Fault(parsing: spec)
    #expect(fault.kind.rawValue == kind)
    #expect(fault.argument == argument)
    #expect(fault.remaining == count)
    #expect(try Fault(parsing: fault.description) == fault)
  }

  @Test(arguments: [
    "", "nope", "submit-status", "submit-status=", "submit-status=abc", "submit-status=200", "submit-status=503:0",
    "submit-hang=1", "submit-slow=-1", "submit-hang:x", "submit-redirect=ftp://x", "submit-redirect=loop",
    "image-huge=many", "result-images=0", "submit-retry-after=", "submit-retry-after=1\r\nX: y",
  ])
  func refuses(spec: String) {
    #expect(throws: FaultSpecError.self) { try Fault(parsing: spec) }
  }

  @Test func namesTheKinds() throws {
    let unknown = try #require(throws: FaultSpecError.self) { try Fault(parsing: "wrong=1") }
    for kind in Fault.Kind.allCases {
      #expect(unknown.description.contains(kind.usage))
      #expect(!kind.help.isEmpty && !kind.help.contains("\n"))
    }
    let argument = try #require(throws: FaultSpecError.self) { try Fault(parsing: "query-slow=soon") }
    #expect(argument.description.contains("query-slow=MS"))
  }
}
