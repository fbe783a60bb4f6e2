internal import CLinux
internal import Glibc

/// A thread of its own for work that blocks in the kernel. The pool that runs tasks has as many
/// threads as the node has cores; one that waits there is one core less for everybody.
package enum WorkerThread {
    /// Runs `body` on a new thread and returns its result when it ends. Cancellation does not end it:
    /// give the body a ``WakeUp`` to wait on.
    package static func run<Result: Sendable>(
        name: String,
        stackSize: Int = 1 << 20,
        body: @escaping @Sendable () -> Result
    ) async throws(SystemError) -> Result {
        let outcome = await withCheckedContinuation { (continuation: CheckedContinuation<Outcome<Result>, Never>) in
            let start = Start(name: name) { continuation.resume(returning: .ended(body())) }
            if let error = Self.start(start, stackSize: stackSize) {
                continuation.resume(returning: .notStarted(error))
            }
        }
        switch outcome {
        case .ended(let result): return result
        case .notStarted(let error): throw error
        }
    }

    private enum Outcome<Result: Sendable>: Sendable {
        case ended(Result)
        case notStarted(SystemError)
    }

    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    private static func start(_ start: Start, stackSize: Int) -> SystemError? {
        var attributes = pthread_attr_t()
        var thread = pthread_t()
        unsafe pthread_attr_init(&attributes)
        defer { unsafe pthread_attr_destroy(&attributes) }
        // Nobody joins it: the continuation tells when it is done.
        unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        unsafe pthread_attr_setstacksize(&attributes, stackSize)
        // The thread takes over this reference as its first act; if there is no thread, we take it back.
        let reference = unsafe Unmanaged.passRetained(start)
        let number = unsafe pthread_create(
            &thread,
            &attributes,
            { argument in
                guard let argument = unsafe argument else { return nil }
                let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                // For ps and top, which can do without; the kernel keeps 15 bytes.
                try? Descriptor.open("/proc/thread-self/comm", flags: O_WRONLY).write(start.name.utf8)
                start.body()
                return nil
            },
            unsafe reference.toOpaque()
        )
        guard number != 0 else { return nil }
        unsafe reference.release()
        return SystemError(number: number, call: "pthread_create", subject: start.name)
    }
}
