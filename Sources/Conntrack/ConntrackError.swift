internal import Glibc
internal import Linux

/// Why the connection table could not be listed or changed.
package struct ConntrackError: Error, Sendable, Hashable, CustomStringConvertible {
    package struct Code: Sendable, Hashable {
        private enum Storage: Hashable {
            case notPermitted
            case lost
            case system
        }

        private let storage: Storage

        /// `CAP_NET_ADMIN` is missing: the kernel wants it for listing too.
        package static let notPermitted = Code(storage: .notPermitted)
        /// Answers were lost (`ENOBUFS`, a truncated or missing message), or each attempt at a dump was
        /// interrupted: what is in the table is not known.
        package static let lost = Code(storage: .lost)
        /// A system call failed, or the kernel refused a request.
        package static let system = Code(storage: .system)
    }

    package let code: Code
    /// The errno value; 0 where there is none.
    package let number: Int32
    /// What it is about: `udp connections over IPv4`.
    package let subject: String
    /// The reason in words.
    package let reason: String

    package init(_ code: Code, number: Int32, subject: String, reason: String) {
        self.code = code
        self.number = number
        self.subject = subject
        self.reason = reason
    }

    package var description: String { "\(self.subject): \(self.reason)" }
}

extension ConntrackError {
    static func system(_ number: Int32, _ subject: String) -> ConntrackError {
        ConntrackError(
            number == EPERM ? .notPermitted : .system,
            number: number,
            subject: subject,
            reason: number == EPERM
                ? "CAP_NET_ADMIN is needed in this network namespace" : SystemError.text(of: number)
        )
    }

    static func lost(_ number: Int32, _ subject: String) -> ConntrackError {
        ConntrackError(
            .lost,
            number: number,
            subject: subject,
            reason: number == 0 ? "the kernel did not answer" : "answers were lost: \(SystemError.text(of: number))"
        )
    }
}
