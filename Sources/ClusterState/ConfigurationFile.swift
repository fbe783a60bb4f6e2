internal import Glibc
package import KubernetesAPI
internal import Linux

/// A configuration file as it was read: kube-proxy's, for `--config`.
package struct ConfigurationFile: Sendable {
    package let path: String
    package let configuration: ProxyConfiguration
    /// What is wrong with it and can be passed over.
    package let warnings: [ManifestProblem]
    /// By which it is seen whether the file says something else later.
    let bytes: [UInt8]

    package static func read(_ path: String) throws(ConfigurationFileError) -> ConfigurationFile {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try self.bytes(of: path)
        } catch {
            throw ConfigurationFileError(
                .unreadable,
                message: "cannot read the configuration file \(path): \(ManifestFile.reason(error, limit: self.limit))")
        }
        let file = ProxyConfigurationDecoder.decode(bytes, file: path)
        guard let configuration = file.configuration else {
            let errors = file.problems.filter { $0.severity == .error }
            throw ConfigurationFileError(.invalid, message: errors.map(\.description).joined(separator: "\n"))
        }
        return ConfigurationFile(path: path, configuration: configuration, warnings: file.problems, bytes: bytes)
    }

    private static var limit: Int { ProxyConfigurationDecoder.limits.maximumFileSize }

    /// What the file holds; `EINVAL` for what is no file.
    static func bytes(of path: String) throws(SystemError) -> [UInt8] {
        switch try ManifestFile.read(path, limit: self.limit) {
        case .content(let bytes, _): return bytes
        case .directory: throw SystemError(number: EISDIR, call: "read", subject: path)
        case .special: throw SystemError(number: EINVAL, call: "read", subject: path)
        }
    }
}

/// A configuration file that cannot be used.
package struct ConfigurationFileError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: Hashable, Sendable {
        case unreadable
        /// The message has a line for each thing that is wrong, as `file:line: field: reason`.
        case invalid
        /// It says something else than at the start.
        case changed
        /// It cannot be followed.
        case unwatched
    }

    package let code: Code
    package let message: String

    init(_ code: Code, message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { self.message }
}
