/// The client cannot be set up: what is wrong, where, and what to do about it.
package struct ClientConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable, Hashable {
        case kubeconfigUnreadable
        case kubeconfigInvalid
        case notInCluster
        case badAddress
        case badProxy
        case badCertificate
        case badKey
        case credentialUnreadable
        case pluginFailed
    }

    package let code: Code
    /// What was wrong.
    package let message: String
    /// What to do about it.
    package let advice: String

    package init(_ code: Code, _ message: String, advice: String) {
        self.code = code
        self.message = message
        self.advice = advice
    }

    package var description: String { "\(self.message); \(self.advice)" }
}
