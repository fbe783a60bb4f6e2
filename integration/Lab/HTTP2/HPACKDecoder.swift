/// Reads header blocks (RFC 7541), strictly.
package struct HPACKDecoder: Sendable {
    private var table = HPACK.DynamicTable()
    /// What our settings allow the table to become.
    package var limit = 4096 {
        didSet { self.owesUpdate = self.owesUpdate || self.limit < self.table.size }
    }
    /// A table that has to become smaller is said to be at the front of the next block (section 4.2).
    private var owesUpdate = false

    package init() {}

    package mutating func decode(_ block: [UInt8]) throws -> [HTTPField] {
        var fields: [HTTPField] = []
        var rest = block[...]
        while let first = rest.first {
            if first & 0xe0 == 0x20 {
                guard fields.isEmpty else { throw LabError("a table size after a field") }
                let size = try Self.integer(&rest, prefix: 5)
                guard size <= self.limit else { throw LabError("a table of \(size), \(self.limit) is allowed") }
                self.table.size = size
                self.owesUpdate = false
                continue
            }
            guard !self.owesUpdate else { throw LabError("no table size after it was lowered") }
            fields.append(try self.field(first, &rest))
        }
        return fields
    }

    private mutating func field(_ first: UInt8, _ rest: inout ArraySlice<UInt8>) throws -> HTTPField {
        if first & 0x80 != 0 { return try self.entry(try Self.integer(&rest, prefix: 7)) }
        let isIndexing = first & 0x40 != 0
        let index = try Self.integer(&rest, prefix: isIndexing ? 6 : 4)
        let name = index == 0 ? try Self.string(&rest) : try self.entry(index).name
        let field = HTTPField(name, try Self.string(&rest))
        if isIndexing { self.table.insert(field) }
        return field
    }

    private func entry(_ index: Int) throws -> HTTPField {
        guard let entry = self.table[index] else { throw LabError("no entry \(index) in the tables") }
        return entry
    }

    /// Section 5.1.
    private static func integer(_ rest: inout ArraySlice<UInt8>, prefix: Int) throws -> Int {
        let limit = 1 << prefix - 1
        guard let first = rest.popFirst() else { throw LabError("no integer") }
        var value = Int(first) & limit
        guard value == limit else { return value }
        for shift in stride(from: 0, through: 28, by: 7) {
            guard let byte = rest.popFirst() else { break }
            value += Int(byte & 127) << shift
            if byte < 128 { return value }
        }
        throw LabError("an integer without end")
    }

    /// Section 5.2.
    private static func string(_ rest: inout ArraySlice<UInt8>) throws -> String {
        let isHuffman = (rest.first ?? 0) & 0x80 != 0
        let length = try self.integer(&rest, prefix: 7)
        guard length <= rest.count else { throw LabError("a string of \(length) in a block of \(rest.count)") }
        let content = rest.prefix(length)
        rest = rest.dropFirst(length)
        return String(decoding: isHuffman ? try HPACKHuffman.decode(content) : Array(content), as: UTF8.self)
    }
}
