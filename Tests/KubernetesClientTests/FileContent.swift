import Linux

enum FileContent {
    static func read(_ path: String) throws -> [UInt8] { try Descriptor.open(path, flags: 0).readToEnd(limit: 1 << 20) }
}
