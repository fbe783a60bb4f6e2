internal import COpenSSL

/// What went wrong, from what OpenSSL leaves behind.
///
/// Unsafe invariants of this file: `ssl` is valid during each call.
enum FailureReading {
    /// `outcome` is that of a shim of COpenSSL.h. Empties the error queue.
    static func failure(_ outcome: Int64, _ ssl: OpaquePointer) -> TLSFailure {
        let code = ErrorQueue.takeTLS()
        switch outcome {
        case Int64(FAIRLEAD_SSL_CLOSED):
            return TLSFailure(.peerClosed)
        case Int64(FAIRLEAD_SSL_SYSTEM):
            let number = unsafe fairlead_ssl_socket_errno(ssl)
            return number == 0 ? TLSFailure(.peerClosed) : TLSFailure(.connectionLost, code: Int64(number))
        default:
            guard fairlead_error_library(code) == ERR_LIB_SSL, fairlead_error_reason(code) != fairlead_internal_error
            else {
                return TLSFailure(.internalError, code: Int64(bitPattern: UInt64(code)))
            }
            return unsafe Self.failure(of: code, ssl)
        }
    }

    private static func failure(of code: UInt, _ ssl: OpaquePointer) -> TLSFailure {
        let number = fairlead_error_reason(code)
        let detail = Int64(bitPattern: UInt64(code))
        if number >= SSL_AD_REASON_OFFSET, number <= SSL_AD_REASON_OFFSET + 255 {
            return TLSFailure(.peerAlert, code: Int64(number - SSL_AD_REASON_OFFSET))
        }
        switch number {
        case SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST:
            return TLSFailure(.httpRequest)
        case SSL_R_WRONG_VERSION_NUMBER:
            // OpenSSL knows some methods of HTTP, the first byte tells the others. It is what a record cannot begin with.
            let first = unsafe fairlead_ssl_socket_first_byte(ssl)
            let isLetter = first >= Int32(UInt8(ascii: "A")) && first <= Int32(UInt8(ascii: "Z"))
            let isServer = unsafe SSL_is_server(ssl) == 1
            return TLSFailure(isLetter && isServer ? .httpRequest : .notTLS)
        case SSL_R_CERTIFICATE_VERIFY_FAILED:
            let isServer = unsafe SSL_is_server(ssl) == 1
            return TLSFailure(
                isServer ? .clientCertificateRefused : .serverCertificateRefused,
                code: Int64(unsafe SSL_get_verify_result(ssl)))
        case let number:
            let reason = Self.reasons[number] ?? .protocolViolation
            return TLSFailure(reason, code: reason == .badRecord || reason == .protocolViolation ? detail : 0)
        }
    }

    private static let reasons: [Int32: TLSFailure.Reason] = {
        var reasons: [Int32: TLSFailure.Reason] = [
            SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: .clientCertificateMissing,
            SSL_R_NO_APPLICATION_PROTOCOL: .noApplicationProtocol,
            SSL_R_UNEXPECTED_EOF_WHILE_READING: .peerClosed,
        ]
        for number in [
            SSL_R_NO_SHARED_CIPHER, SSL_R_NO_SUITABLE_GROUPS, SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS,
            SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, SSL_R_NO_SUITABLE_KEY_SHARE, SSL_R_NO_CIPHERS_SPECIFIED,
        ] {
            reasons[number] = .noSharedCipher
        }
        for number in [
            SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW, SSL_R_UNKNOWN_PROTOCOL, SSL_R_WRONG_SSL_VERSION,
            SSL_R_UNSUPPORTED_SSL_VERSION, SSL_R_INAPPROPRIATE_FALLBACK,
        ] {
            reasons[number] = .unsupportedVersion
        }
        for number in [
            SSL_R_DECRYPTION_FAILED, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, SSL_R_BAD_RECORD_TYPE,
            SSL_R_PACKET_LENGTH_TOO_LONG, SSL_R_DATA_LENGTH_TOO_LONG, SSL_R_ENCRYPTED_LENGTH_TOO_LONG,
            SSL_R_LENGTH_TOO_SHORT, SSL_R_RECORD_TOO_SMALL, SSL_R_RECORD_LENGTH_MISMATCH,
            SSL_R_BAD_LENGTH,
        ] {
            reasons[number] = .badRecord
        }
        return reasons
    }()
}
