internal import Glibc
internal import Linux

/// What is found under a name that looks like a manifest's.
enum ManifestFile {
    case content([UInt8], version: FileStatus)
    /// A folder may be named as it likes.
    case directory
    /// A pipe, a device, a socket: never read, as it might never end.
    case special

    /// Opens the file once and asks of what it opened, so that it cannot become another in between. Opening
    /// does not wait: a pipe would, for somebody to write.
    ///
    /// - Throws: `EFBIG` from `read` for a file of more than `limit` bytes.
    static func read(_ path: String, limit: Int) throws(SystemError) -> ManifestFile {
        let file = try Descriptor.open(path, flags: O_RDONLY | O_NONBLOCK)
        let version = try FileStatus(of: file)
        switch version.kind {
        case .regular: return .content(try file.readToEnd(limit: limit), version: version)
        case .directory: return .directory
        case .symbolicLink, .socket, .other: return .special
        }
    }

    /// Why a file could not be read, in words for who wrote it.
    static func reason(_ error: SystemError, limit: Int) -> String {
        error.call == "read" && error.number == EFBIG ? "larger than \(limit) bytes" : error.reason
    }

    static let notRegular = "not a regular file"
}
