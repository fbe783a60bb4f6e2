// Linux: the one door for system calls. Owned descriptors, errno as a typed error, threads,
// namespaces, inotify, capabilities. Nothing above this module calls libc for anything that can
// fail. Every call retries EINTR, reads errno at once (ARC traffic may clobber it), and traps on
// the errnos that can only mean a bug of ours (EBADF, EFAULT).
internal import Glibc

/// A system call that failed: which one, on what, and the errno.
public struct SystemError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The `errno` value.
    public let number: Int32
    /// The call, as in the manual: `open`, `sendmsg`.
    public let call: String
    /// What it was done to: a path, a namespace name. Empty where the call says it all.
    public let subject: String

    public init(number: Int32, call: String, subject: String = "") {
        self.number = number
        self.call = call
        self.subject = subject
    }

    /// The kernel's own words for the errno.
    public var reason: String { Self.text(of: self.number) }

    public var description: String {
        self.subject.isEmpty ? "\(self.call): \(self.reason)" : "\(self.call) \(self.subject): \(self.reason)"
    }

    /// Whether an errno says that this process, or the system, has no more of something: descriptors, memory, ports.
    package static func isExhaustion(_ number: Int32) -> Bool {
        [EMFILE, ENFILE, ENOBUFS, ENOMEM, ENOSPC, EADDRNOTAVAIL].contains(number)
    }

    /// The message of `strerror(3)` for an errno value.
    public static func text(of number: Int32) -> String {
        guard let text = unsafe strerror(number) else { return "errno \(number)" }
        return unsafe String(cString: text)
    }
}

/// Runs a system call that says -1 on failure: retries `EINTR`, throws anything else.
@inline(__always)
package func systemCall<Result: FixedWidthInteger & SignedInteger>(
    _ call: @autoclosure () -> String,
    _ subject: @autoclosure () -> String = "",
    _ body: () -> Result
) throws(SystemError) -> Result {
    while true {
        let result = body()
        if result != -1 { return result }
        let number = errno
        if number == EINTR { continue }
        precondition(number != EBADF && number != EFAULT, "\(call()): \(SystemError.text(of: number))")
        throw SystemError(number: number, call: call(), subject: subject())
    }
}

/// As ``systemCall(_:_:_:)``, with nil where the call would block (`EAGAIN`).
@inline(__always)
package func nonBlockingCall<Result: FixedWidthInteger & SignedInteger>(
    _ call: @autoclosure () -> String,
    _ subject: @autoclosure () -> String = "",
    _ body: () -> Result
) throws(SystemError) -> Result? {
    do throws(SystemError) {
        return try systemCall(call(), subject(), body)
    } catch {
        if error.number == EAGAIN || error.number == EWOULDBLOCK { return nil }
        throw error
    }
}
