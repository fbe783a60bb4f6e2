internal import COpenSSL
internal import Linux

/// Words for numbers, as OpenSSL and the kernel have them.
///
/// Unsafe invariants of this file: the texts are constants of OpenSSL, terminated, and copied at once.
enum LibraryText {
    /// For an entry of OpenSSL's error queue.
    static func reason(_ code: Int64) -> String {
        guard code != 0 else { return "no reason given" }
        let packed = UInt(truncatingIfNeeded: code)
        guard let text = unsafe ERR_reason_error_string(packed) else {
            return "OpenSSL error \(fairlead_error_library(packed)):\(fairlead_error_reason(packed))"
        }
        return unsafe String(cString: text)
    }

    /// For an alert of TLS.
    static func alert(_ number: Int64) -> String {
        guard let text = unsafe SSL_alert_desc_string_long(Int32(truncatingIfNeeded: number)) else { return "unknown" }
        return unsafe String(cString: text)
    }

    /// For why a certificate is not accepted.
    static func verification(_ number: Int64) -> String {
        guard let text = unsafe X509_verify_cert_error_string(Int(number)) else { return "error \(number)" }
        return unsafe String(cString: text)
    }

    /// For an errno.
    static func system(_ number: Int64) -> String {
        number == 0 ? "closed" : SystemError.text(of: Int32(truncatingIfNeeded: number))
    }
}

/// The thread's queue of OpenSSL's errors. It is empty whenever no function of this module is running.
enum ErrorQueue {
    static func clear() { ERR_clear_error() }

    /// Empties the queue; the words of its oldest entry, which is the one nearest to what went wrong.
    static func take() -> String? {
        let code = ERR_peek_error()
        ERR_clear_error()
        return code == 0 ? nil : LibraryText.reason(Int64(bitPattern: UInt64(code)))
    }

    /// Empties the queue; its oldest entry of the TLS library itself, else its oldest. 0 if there is none.
    static func takeTLS() -> UInt {
        let oldest = ERR_get_error()
        var code = oldest
        while code != 0 {
            if fairlead_error_library(code) == ERR_LIB_SSL { break }
            code = ERR_get_error()
        }
        ERR_clear_error()
        return code != 0 ? code : oldest
    }
}
