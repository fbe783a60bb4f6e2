// fairlead-demo: a node, three pods and a client outside, made of network namespaces, and what
// Fairlead does for them. Every step shows the real command and its real output, checks it, and
// ends the program with exit code 1 if it is not as it should be. Needs root; changes nothing
// outside of its own namespaces.
internal import Glibc
internal import Lab
internal import Linux
import Synchronization

@main
enum Demo {
    static let usage = """
        usage: fairlead-demo [--fairlead PROGRAM] [--manifests DIRECTORY]

          --fairlead   the program to show (default: the one built next to this)
          --manifests  the objects to show it with (default: integration/demo/manifests)
        """

    static func main() {
        let terminal = Terminal()
        var program: String?
        var manifests = "integration/demo/manifests"
        var words = CommandLine.arguments.dropFirst()
        while let word = words.popFirst() {
            switch (word, words.first) {
            case ("--help", _), ("-h", _):
                terminal.write(Self.usage)
                exit(0)
            case ("--fairlead", let value?):
                program = value
                words.removeFirst()
            case ("--manifests", let value?):
                manifests = value
                words.removeFirst()
            default:
                terminal.write("fairlead-demo: \(word): unknown, or its value is missing\n\(Self.usage)")
                exit(2)
            }
        }
        guard geteuid() == 0 else {
            terminal.failed("The demo makes network namespaces and needs root for that: sudo make demo")
            exit(1)
        }
        Interruption.watch()
        exit(Self.tell(terminal, program, manifests))
    }

    private static func tell(_ terminal: Terminal, _ program: String?, _ manifests: String) -> Int32 {
        do {
            let story = try Story(terminal, fairlead: try FairleadProcess.locate(program), manifests: manifests)
            Interruption.cleanUp { story.cleanUp() }
            defer { story.cleanUp() }
            do {
                try story.tell()
                return 0
            } catch {
                terminal.failed("\(error)")
                story.showLog()
                return 1
            }
        } catch {
            terminal.failed("\(error)")
            return 1
        }
    }
}

/// Ctrl-C and SIGTERM: clean up, then go.
enum Interruption {
    private static let action = Mutex<(@Sendable () -> Void)?>(nil)

    static func cleanUp(_ action: @escaping @Sendable () -> Void) { self.action.withLock { $0 = action } }

    /// Called before any other thread exists, so all of them leave these signals to the one that waits.
    static func watch() {
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGINT)
        unsafe sigaddset(&signals, SIGTERM)
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
        let watched = signals
        _ = try? OSThread {
            var signals = watched
            var signal: Int32 = 0
            guard unsafe sigwait(&signals, &signal) == 0 else { return }
            Self.action.withLock { $0 }?()
            exit(128 + signal)
        }
    }
}
