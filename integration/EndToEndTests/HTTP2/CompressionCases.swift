import Lab

extension HTTP2Case {
    private static func block(_ row: String, _ name: String, _ field: HPACKField) -> HTTP2Case {
        HTTP2Case(row, name, .connectionError(.compressionError)) { peer in
            try peer.send(.headers(HPACKEncoder.encode(pseudo() + [field]), on: peer.nextStream()))
            return nil
        }
    }

    /// RFC 7541.
    static let compression: [HTTP2Case] = [
        block("H2.3.3-1", "an index beyond both tables", .indexed(62)),
        block("H2.3.3-2", "a name by an index beyond both tables", .indexingNamed(70, "x")),
        HTTP2Case("H2.3.2-1", "an entry of an earlier request", .answered(200)) { peer in
            let first = try peer.open(pseudo() + [.indexing("x-kept", "kept")])
            _ = try peer.response(on: first)
            return try peer.open(pseudo() + [.indexed(62), .indexingNamed(62, "again"), .indexed(62)])
        },
        HTTP2Case("H4.1-1", "an entry that is larger than the table empties it", .connectionError(.compressionError)) {
            peer in
            _ = try peer.open(pseudo() + [.indexing("x-kept", "kept")])
            _ = try peer.open(pseudo() + [.indexing("x-large", String(repeating: "x", count: 5000))])
            _ = try peer.open(pseudo() + [.indexed(62)])
            return nil
        },
        HTTP2Case("H4.2-1", "a table size at the front of a block", .answered(200)) { peer in
            try peer.open([.tableSize(0), .tableSize(4096)] + pseudo() + [.indexing("x-kept", "kept"), .indexed(62)])
        },
        HTTP2Case("H4.2-2", "a table of no size keeps nothing", .connectionError(.compressionError)) { peer in
            _ = try peer.open([.tableSize(0)] + pseudo() + [.indexing("x-kept", "kept")])
            _ = try peer.open(pseudo() + [.indexed(62)])
            return nil
        },
        block("H4.2-3", "a table size after a field", .tableSize(0)),
        HTTP2Case(
            "H6.3-1", "a table size above SETTINGS_HEADER_TABLE_SIZE", .connectionError(.compressionError)
        ) { peer in
            let limit = Int(try peer.peerSettings()[.headerTableSize] ?? 4096)
            guard peer.isAlive() else { throw LabError("no answer to PING") }
            _ = try peer.open([.tableSize(limit + 1)] + pseudo())
            return nil
        },
        HTTP2Case("H5.1-1", "an integer with more octets than it needs", .answered(200)) { peer in
            // A length of 128: 127, and 1 in two octets.
            try peer.open(pseudo() + [.raw([0, 0x03] + Array("x-a".utf8) + [0x7f, 0x81, 0x00] + filler(128))])
        },
        block(
            "H5.1-2", "an integer beyond 32 bits",
            .raw([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])),
        block("H5.1-3", "an integer whose end is missing", .raw([0xff, 0x80, 0x80])),
        block("H5.2-1", "a string that is longer than its block", .raw([0, 0x03, 0x78, 0x2d])),
        block("H5.2-2", "Huffman: more than 7 bits of padding", .raw([0, 0x82, 0x1f, 0xff, 0x01, 0x78])),
        block("H5.2-3", "Huffman: padding by other bits than those of EOS", .raw([0, 0x81, 0x18, 0x01, 0x78])),
        block("H5.2-4", "Huffman: EOS", .raw([0, 0x84, 0xff, 0xff, 0xff, 0xff, 0x01, 0x78])),
        HTTP2Case(
            "H5.2-5", "Huffman's code, of every character", .answered(200),
            list: {
                let text = String(decoding: (33...126).map { UInt8($0) }, as: UTF8.self)
                return pseudo() + [.literal("x-all", text, huffman: true)]
            }),
        block("H6.1-1", "index 0", .indexed(0)),
        HTTP2Case("H6.2-1", "literals of all kinds", .answered(200)) { peer in
            try peer.open([
                .indexed(2), .indexed(6), .indexingNamed(1, "a.example"), .literal(":path", freshTarget()),
                .never("x-secret", "1"), .indexing("x-kept", "2"), .literal("x-plain", "3", huffman: true),
                .indexed(62),
            ])
        },
    ]

    private static func filler(_ count: Int) -> [UInt8] { [UInt8](repeating: 120, count: count) }
}
