// The characters of HTTP's grammar (RFC 9110 section 5.6.2, RFC 3986 section 2).

extension UInt8 {
    @inline(always) static var tab: UInt8 { 0x09 }
    @inline(always) static var lineFeed: UInt8 { 0x0a }
    @inline(always) static var carriageReturn: UInt8 { 0x0d }
    @inline(always) static var space: UInt8 { 0x20 }
    @inline(always) static var hash: UInt8 { 0x23 }
    @inline(always) static var percent: UInt8 { 0x25 }
    @inline(always) static var asterisk: UInt8 { 0x2a }
    @inline(always) static var comma: UInt8 { 0x2c }
    @inline(always) static var hyphen: UInt8 { 0x2d }
    @inline(always) static var dot: UInt8 { 0x2e }
    @inline(always) static var slash: UInt8 { 0x2f }
    @inline(always) static var colon: UInt8 { 0x3a }
    @inline(always) static var semicolon: UInt8 { 0x3b }
    @inline(always) static var questionMark: UInt8 { 0x3f }
    @inline(always) static var openBracket: UInt8 { 0x5b }
    @inline(always) static var backslash: UInt8 { 0x5c }
    @inline(always) static var closeBracket: UInt8 { 0x5d }
    @inline(always) static var underscore: UInt8 { 0x5f }

    @inline(always) var isDigit: Bool { self &- 0x30 < 10 }
    @inline(always) var isLetter: Bool { (self | 0x20) &- 0x61 < 26 }
    @inline(always) var isBlank: Bool { self == .space || self == .tab }
    @inline(always) var lowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }

    /// `tchar`: letters, digits and ``!#$%&'*+-.^_`|~``.
    @inline(always)
    var isToken: Bool {
        // A bit for each character below 0x40, and for each from 0x40.
        let low: UInt64 = 0x03ff_6cfa_0000_0000
        let high: UInt64 = 0x57ff_ffff_c7ff_fffe
        if self < 0x40 { return (low &>> UInt64(self)) & 1 == 1 }
        return self < 0x80 && (high &>> UInt64(self &- 0x40)) & 1 == 1
    }

    /// `unreserved`: letters, digits and `-._~`.
    @inline(always)
    var isUnreserved: Bool {
        self.isLetter || self.isDigit || self == .hyphen || self == .dot || self == .underscore || self == 0x7e
    }

    /// The value of a hexadecimal digit, or more than 15.
    @inline(always)
    var hexValue: UInt8 {
        if self.isDigit { return self &- 0x30 }
        let letter = (self | 0x20) &- 0x61
        return letter < 6 ? letter &+ 10 : 0xff
    }
}
