internal import Glibc

/// What a directory entry is, and which version of it: a file whose status is the same twice has not
/// been written or replaced in between.
package struct FileStatus: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case regular
        case directory
        case symbolicLink
        case socket
        case other
    }

    package let kind: Kind
    package let linkCount: Int
    private let device: UInt64
    private let inode: UInt64
    private let size: Int64
    private let modified: [Int]
    private let changed: [Int]

    /// Of what `path` leads to, or of the link itself.
    package init(_ path: String, followsLinks: Bool = true) throws(SystemError) {
        var status = stat()
        _ = try systemCall("stat", path) {
            unsafe fstatat(AT_FDCWD, path, &status, followsLinks ? 0 : AT_SYMLINK_NOFOLLOW)
        }
        self.init(status)
    }

    /// Of an open file.
    package init(of file: borrowing Descriptor) throws(SystemError) {
        let number = file.number
        var status = stat()
        _ = try systemCall("fstat") { unsafe fstat(number, &status) }
        self.init(status)
    }

    /// Whether both are of one file, whatever has been done to it in between.
    package func isSameFile(as other: FileStatus) -> Bool {
        self.device == other.device && self.inode == other.inode
    }

    private init(_ status: stat) {
        self.kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .directory
            case S_IFLNK: .symbolicLink
            case S_IFSOCK: .socket
            default: .other
            }
        self.linkCount = Int(status.st_nlink)
        self.device = UInt64(status.st_dev)
        self.inode = UInt64(status.st_ino)
        self.size = Int64(status.st_size)
        self.modified = [status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
        self.changed = [status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
    }

    /// The names in a directory, sorted, without `.` and `..`.
    package static func names(inDirectory path: String) throws(SystemError) -> [String] {
        guard let stream = unsafe opendir(path) else {
            throw SystemError(number: errno, call: "opendir", subject: path)
        }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while true {
            // readdir says its end and its failure alike, but for errno.
            errno = 0
            guard let entry = unsafe readdir(stream) else {
                if errno != 0 { throw SystemError(number: errno, call: "readdir", subject: path) }
                return names.sorted()
            }
            // d_name ends with a NUL inside the entry, which lives until the next readdir.
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
    }
}
