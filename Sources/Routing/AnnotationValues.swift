internal import ServiceModel

/// Values that only annotations of Ingresses have.
extension AnnotationValues {
    /// Bytes of `8m`, `512k`, `1g`, `1048576`: nginx's units, powers of 1024. 0 is any number.
    static func size(_ text: String) -> UInt64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let factor: UInt64
        switch text.dropFirst(digits.count) {
        case "": factor = 1
        case "k", "K": factor = 1 << 10
        case "m", "M": factor = 1 << 20
        case "g", "G": factor = 1 << 30
        default: return nil
        }
        guard let number = UInt64(digits) else { return nil }
        let (size, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : size
    }

    /// RFC 9110 section 5.6.2: the names of headers and cookies.
    static func token(_ text: String) -> String? {
        let isToken = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
            }
        }
        return isToken && !text.isEmpty && text.utf8.count <= self.longestName ? text : nil
    }

    static let longestName = 256

    /// What may stand in an attribute of a cookie (RFC 6265 section 4.1.1).
    static func cookieAttribute(_ text: String) -> String? {
        let isFit = text.utf8.allSatisfy { 0x20..<0x7f ~= $0 && $0 != UInt8(ascii: ";") }
        return isFit && !text.isEmpty && text.utf8.count <= self.longestAttribute ? text : nil
    }

    static let longestAttribute = 1_024
}
