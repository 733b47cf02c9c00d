import NIOCore
import NIOPosix
import PromptdropCLI

@main
enum Entry {
  static func main() async {
    NIOSingletons.groupLoopCountSuggestion = 1
    // Where a later compiler does not allow it, the program works all the same, with more changes of threads.
    NIOSingletons.unsafeTryInstallSingletonPosixEventLoopGroupAsConcurrencyGlobalExecutor()
    await Promptdrop.main()
  }
}
