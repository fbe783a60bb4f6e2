internal import FoundationEssentials
internal import KubernetesAPI
internal import Linux

extension ClientConfiguration.Material {
    /// What is in it now.
    func read(limit: Int = 1 << 20) throws(ClientConfigurationError) -> [UInt8] {
        switch self {
        case .bytes(let bytes): return bytes
        case .file(let path):
            do throws(SystemError) {
                return try Descriptor.open(path, flags: 0).readToEnd(limit: limit)
            } catch {
                throw ClientConfigurationError(
                    .credentialUnreadable, "cannot read \(path): \(error.reason)", advice: "let this user read it")
            }
        }
    }

    /// Changes whenever the file does; nil for what is in no file, and for a file that is not there.
    var version: FileStatus? {
        guard case .file(let path) = self else { return nil }
        return try? FileStatus(path)
    }
}

extension Kubeconfig.Content {
    /// - Parameters:
    ///   - directory: which relative paths start from.
    ///   - field: for errors.
    func material(in directory: String, field: String) throws(ClientConfigurationError) -> ClientConfiguration.Material
    {
        switch self {
        case .file(let path):
            return .file(path.hasPrefix("/") ? path : "\(directory)/\(path)")
        case .base64(let text):
            guard let data = Data(base64Encoded: text, options: .ignoreUnknownCharacters), !data.isEmpty else {
                throw ClientConfigurationError(
                    .kubeconfigInvalid, "\(field) is not base64", advice: "write the kubeconfig anew")
            }
            return .bytes([UInt8](data))
        }
    }
}
