internal import Glibc
package import Linux

/// What another process has in memory, as proc(5) tells.
extension ChildProcess {
    /// Bytes resident now.
    package func residentMemory() throws -> Int { try self.status("VmRSS") }

    /// The most bytes that were resident since the last ``resetPeakMemory()``, or ever.
    package func peakMemory() throws -> Int { try self.status("VmHWM") }

    package func resetPeakMemory() throws {
        try Descriptor.open("/proc/\(self.pid)/clear_refs", flags: O_WRONLY).write("5".utf8)
    }

    /// How many descriptors it has open.
    package func openDescriptors() throws -> Int {
        try FileStatus.names(inDirectory: "/proc/\(self.pid)/fd").count
    }

    /// How many of them are ends of pipes.
    package func openPipeEnds() throws -> Int {
        let folder = "/proc/\(self.pid)/fd"
        return try FileStatus.names(inDirectory: folder).count {
            Self.target(of: "\(folder)/\($0)")?.hasPrefix("pipe:") == true
        }
    }

    /// Where a symbolic link leads; nil if it is gone meanwhile.
    private static func target(of link: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 64)
        let count = unsafe readlink(link, &buffer, buffer.count)
        return count < 0 ? nil : String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private func status(_ name: String) throws -> Int {
        let bytes = try Descriptor.open("/proc/\(self.pid)/status", flags: O_RDONLY).readToEnd(limit: 1 << 20)
        let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("\(name):") }
        let words = line?.split { $0 == " " || $0 == "\t" } ?? []
        guard words.count == 3, let kibibytes = Int(words[1]) else { throw LabError("no \(name) of \(self.pid)") }
        return kibibytes << 10
    }
}
