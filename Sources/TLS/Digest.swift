internal import COpenSSL

/// SHA-256.
///
/// Unsafe invariants of this file: `digest` has room for what SHA256(3) writes, 32 bytes.
enum Digest {
    static func sha256(_ text: String) -> [UInt8] {
        var text = text
        return text.withUTF8 { unsafe Self.sha256(UnsafeRawBufferPointer($0)) }
    }

    static func sha256(_ bytes: RawSpan) -> [UInt8] {
        unsafe bytes.withUnsafeBytes { unsafe Self.sha256($0) }
    }

    private static func sha256(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        _ = unsafe SHA256(bytes.baseAddress, bytes.count, &digest)
        return digest
    }

    /// In small letters.
    static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        var text = ""
        for byte in bytes {
            if byte < 0x10 { text += "0" }
            text += String(byte, radix: 16)
        }
        return text
    }
}
