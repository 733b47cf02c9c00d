import CLinux
import Glibc
import NIOCore
import NIOPosix
import PromptdropCLI

@main
enum Entry {
  static func main() async {
    // By default glibc raises its limit with each large block that is freed, and after a few photographs keeps hundreds of
    // megabytes for the next.
    pd_return_large_blocks(1_048_576)
    // Sent when a program opens a file in the instant in which its writers are looked for. By default it ends the process.
    signal(SIGIO, SIG_IGN)
    NIOSingletons.groupLoopCountSuggestion = 1
    // Where a later compiler does not allow it, the program works all the same, with more changes of threads.
    NIOSingletons.unsafeTryInstallSingletonPosixEventLoopGroupAsConcurrencyGlobalExecutor()
    await Promptdrop.runAndExit()
  }
}
