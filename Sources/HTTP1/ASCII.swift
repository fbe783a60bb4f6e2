// The characters of HTTP's grammar (RFC 9110 section 5.6.2, RFC 3986 section 2).

extension UInt8 {
    @inline(__always) static var tab: UInt8 { 0x09 }
    @inline(__always) static var lineFeed: UInt8 { 0x0a }
    @inline(__always) static var carriageReturn: UInt8 { 0x0d }
    @inline(__always) static var space: UInt8 { 0x20 }
    @inline(__always) static var hash: UInt8 { 0x23 }
    @inline(__always) static var percent: UInt8 { 0x25 }
    @inline(__always) static var asterisk: UInt8 { 0x2a }
    @inline(__always) static var comma: UInt8 { 0x2c }
    @inline(__always) static var hyphen: UInt8 { 0x2d }
    @inline(__always) static var dot: UInt8 { 0x2e }
    @inline(__always) static var slash: UInt8 { 0x2f }
    @inline(__always) static var colon: UInt8 { 0x3a }
    @inline(__always) static var semicolon: UInt8 { 0x3b }
    @inline(__always) static var questionMark: UInt8 { 0x3f }
    @inline(__always) static var openBracket: UInt8 { 0x5b }
    @inline(__always) static var backslash: UInt8 { 0x5c }
    @inline(__always) static var closeBracket: UInt8 { 0x5d }
    @inline(__always) static var underscore: UInt8 { 0x5f }

    @inline(__always) var isDigit: Bool { self &- 0x30 < 10 }
    @inline(__always) var isLetter: Bool { (self | 0x20) &- 0x61 < 26 }
    @inline(__always) var isBlank: Bool { self == .space || self == .tab }
    @inline(__always) var lowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }

    /// `tchar`: letters, digits and ``!#$%&'*+-.^_`|~``.
    @inline(__always)
    var isToken: Bool {
        // A bit for each character below 0x40, and for each from 0x40.
        let low: UInt64 = 0x03ff_6cfa_0000_0000
        let high: UInt64 = 0x57ff_ffff_c7ff_fffe
        if self < 0x40 { return (low &>> UInt64(self)) & 1 == 1 }
        return self < 0x80 && (high &>> UInt64(self &- 0x40)) & 1 == 1
    }

    /// `unreserved`: letters, digits and `-._~`.
    @inline(__always)
    var isUnreserved: Bool {
        self.isLetter || self.isDigit || self == .hyphen || self == .dot || self == .underscore || self == 0x7e
    }

    /// The value of a hexadecimal digit, or more than 15.
    @inline(__always)
    var hexValue: UInt8 {
        if self.isDigit { return self &- 0x30 }
        let letter = (self | 0x20) &- 0x61
        return letter < 6 ? letter &+ 10 : 0xff
    }
}
