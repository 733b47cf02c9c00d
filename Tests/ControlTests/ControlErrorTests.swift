import Control
import Testing

@Suite struct ControlErrorTests {
  @Test func aSilentAgentIsNamedByItsSocket() {
    #expect("\(ControlError.silent("/run/x.sock", "refused"))".contains("/run/x.sock"))
  }
}
