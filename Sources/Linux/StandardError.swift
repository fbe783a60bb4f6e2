internal import Glibc

/// Standard error, written to whole lines at a time.
public enum StandardError {
    public static func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            // A log that cannot be written has nobody to be reported to.
            _ = unsafe Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }
}

/// Standard output, for what is written there while the process runs.
package enum StandardOutput {
    /// Writes as much of `bytes` as fits; returns how much that was.
    package static func write(_ bytes: ArraySlice<UInt8>) throws(SystemError) -> Int {
        try systemCall("write", "standard output") {
            unsafe bytes.withUnsafeBytes { unsafe Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
        }
    }
}

/// How this process takes signals.
public enum Signals {
    /// Writing to a pipe that nobody reads is an error of that write (`EPIPE`), not the end of the process.
    public static func ignoreBrokenPipes() {
        _ = signal(SIGPIPE, SIG_IGN)
    }
}
