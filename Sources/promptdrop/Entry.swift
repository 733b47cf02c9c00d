import PromptdropCLI

@main
enum Entry {
  static func main() async { await Promptdrop.main() }
}
