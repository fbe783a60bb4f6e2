/// The name that a client asks for: the extension `server_name` of its first message (RFC 6066, 3).
enum ServerNameExtension {
    /// The longest name of a host (RFC 1035, 2.3.4).
    private static let longest = 255

    /// The host name in lower case without a dot at its end; nil where there is none, or the extension is malformed: what
    /// to make of that is OpenSSL's to say when it comes to it.
    ///
    ///     struct { uint16 list; uint8 type = 0; uint16 length; opaque name[length] }
    static func hostName(in bytes: Span<UInt8>) -> String? {
        guard bytes.count >= 5 else { return nil }
        let list = Int(bytes[0]) << 8 | Int(bytes[1])
        let length = Int(bytes[3]) << 8 | Int(bytes[4])
        guard list == bytes.count - 2, bytes[2] == 0, length == list - 3 else { return nil }
        guard length > 0, length <= Self.longest else { return nil }
        return Self.normalised(bytes.extracting(5..<5 + length))
    }

    /// nil for what cannot be a name of a host: control characters, spaces, bytes beyond ASCII.
    private static func normalised(_ name: Span<UInt8>) -> String? {
        var count = name.count
        if name[count - 1] == UInt8(ascii: ".") { count -= 1 }
        guard count > 0 else { return nil }
        for index in 0..<count where name[index] <= 0x20 || name[index] >= 0x7F { return nil }
        var lowercased: [UInt8] = []
        lowercased.reserveCapacity(count)
        for index in 0..<count {
            let byte = name[index]
            let isUpper = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
            lowercased.append(isUpper ? byte | 0x20 : byte)
        }
        return String(decoding: lowercased, as: UTF8.self)
    }
}
