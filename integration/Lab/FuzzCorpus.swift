internal import Glibc
internal import Linux

/// What fuzzing of one target began with, and everything by which it ever broke something: `Tests/Fuzz/Corpus/NAME`.
package enum FuzzCorpus {
    package struct Input: Sendable {
        package let name: String
        package let bytes: [UInt8]
    }

    /// The inputs of `target`, by name. `root` is the package's folder, by this file.
    package static func inputs(
        of target: String, root: String = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
    ) throws -> [Input] {
        let folder = "\(root)/Tests/Fuzz/Corpus/\(target)"
        return try FileStatus.names(inDirectory: folder).filter { !$0.hasPrefix(".") }.map { name in
            let file = try Descriptor.open("\(folder)/\(name)", flags: O_RDONLY)
            return Input(name: name, bytes: try file.readToEnd(limit: 1 << 20))
        }
    }
}
