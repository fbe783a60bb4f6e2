internal import COpenSSL

/// PEM text (RFC 7468) block by block. Text between blocks is skipped.
///
/// Unsafe invariants of this file: the BIO reads from `bytes` and is freed before the closure over them ends; what
/// PEM_read_bio(3) hands out is freed once, after `body`, and wiped, as it may be a key.
enum PEMBlocks {
    /// What a block is, and whether its headers say that it is encrypted (RFC 1421, 4.6.1.1).
    struct Block {
        /// Counted from 1.
        let number: Int
        let label: String
        let isEncrypted: Bool
    }

    enum Next {
        case goOn
        case stop
    }

    /// Calls `body` with each block and its contents until it says stop.
    static func read(
        _ bytes: [UInt8], of part: CertificateError.Part,
        _ body: (Block, RawSpan) throws(CertificateError) -> Next
    ) throws(CertificateError) {
        guard bytes.count <= CertificateLimits.bytes else {
            throw CertificateError(.tooLarge, part, "\(bytes.count) bytes, at most \(CertificateLimits.bytes) are read")
        }
        let failure: CertificateError? = unsafe bytes.withUnsafeBytes { buffer in
            guard unsafe !buffer.isEmpty else { return nil }
            guard let source = unsafe BIO_new_mem_buf(buffer.baseAddress, Int32(buffer.count)) else {
                return CertificateError(.unavailable, part, "cannot be read", cause: ErrorQueue.take())
            }
            defer { unsafe BIO_free(source) }
            do throws(CertificateError) {
                var number = 1
                while try unsafe Self.next(source, number, part, body) == .goOn { number += 1 }
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }

    private static func next(
        _ source: OpaquePointer, _ number: Int, _ part: CertificateError.Part,
        _ body: (Block, RawSpan) throws(CertificateError) -> Next
    ) throws(CertificateError) -> Next {
        var name: UnsafeMutablePointer<CChar>?
        var header: UnsafeMutablePointer<CChar>?
        var data: UnsafeMutablePointer<UInt8>?
        var length = 0
        ErrorQueue.clear()
        guard unsafe PEM_read_bio(source, &name, &header, &data, &length) == 1 else {
            let code = ERR_peek_last_error()
            let isEnd =
                fairlead_error_library(code) == ERR_LIB_PEM && fairlead_error_reason(code) == PEM_R_NO_START_LINE
            let cause = ErrorQueue.take()
            if isEnd { return .stop }
            throw CertificateError(.malformed, part, block: number, "not a complete PEM block", cause: cause)
        }
        defer {
            unsafe fairlead_free(name)
            unsafe fairlead_free_secret(header, header.map { unsafe strlen($0) } ?? 0)
            unsafe fairlead_free_secret(data, length)
        }
        guard let name = unsafe name, let data = unsafe data, length > 0 else {
            throw CertificateError(.malformed, part, block: number, "an empty PEM block")
        }
        let headers = unsafe header.map { unsafe String(cString: $0) } ?? ""
        let block = unsafe Block(
            number: number, label: String(cString: name), isEncrypted: headers.contains("ENCRYPTED"))
        return try body(block, unsafe RawSpan(_unsafeStart: data, byteCount: length))
    }
}
