internal import Glibc
internal import Linux

/// A directory of manifests that changes the way a careful operator changes it: a file appears, is
/// replaced, or goes, at once and as a whole. Removed with its last reference.
package final class ManifestFolder: Sendable {
    package let path: String

    /// A new empty directory, or one with a copy of every `.yaml` file of `directory`.
    package init(copying directory: String? = nil) throws {
        var template = Array("/tmp/fairlead-manifests-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw SystemError(number: errno, call: "mkdtemp") }
        self.path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if let directory {
            for name in Self.files(in: directory) where name.hasSuffix(".yaml") {
                try self.write(name, Self.read("\(directory)/\(name)"))
            }
        }
    }

    deinit { self.delete() }

    /// Removes the directory and all in it.
    package func delete() {
        for name in Self.files(in: self.path) { _ = unsafe unlink("\(self.path)/\(name)") }
        _ = unsafe rmdir(self.path)
    }

    /// Writes a file aside, under a name that is no manifest, and moves it into its place.
    package func write(_ name: String, _ yaml: String) throws { try self.write(name, Array(yaml.utf8)) }

    /// Writes what need not even be text.
    package func write(_ name: String, _ bytes: [UInt8]) throws {
        let aside = "\(self.path)/.\(name).new"
        try Descriptor.open(aside, flags: O_WRONLY | O_CREAT | O_TRUNC).write(bytes)
        guard unsafe rename(aside, "\(self.path)/\(name)") == 0 else {
            throw SystemError(number: errno, call: "rename", subject: name)
        }
    }

    /// Writes objects into one file.
    package func write(_ name: String, _ objects: [any Manifest]) throws {
        try self.write(name, objects.map(\.yaml).joined(separator: "---\n"))
    }

    package func read(_ name: String) throws -> String { try Self.read("\(self.path)/\(name)") }

    package func remove(_ name: String) throws {
        guard unsafe unlink("\(self.path)/\(name)") == 0 else {
            throw SystemError(number: errno, call: "unlink", subject: name)
        }
    }

    private static func read(_ path: String) throws -> String {
        String(decoding: try Descriptor.open(path, flags: O_RDONLY).readToEnd(limit: 16 << 20), as: UTF8.self)
    }

    private static func files(in directory: String) -> [String] {
        (try? FileStatus.names(inDirectory: directory)) ?? []
    }
}
