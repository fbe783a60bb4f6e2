/// What users wrote, for messages.
package enum Quoted {
    private static let limit = 64

    /// In quotes, without control characters, and cut off where it goes on and on.
    package static func text(_ text: String) -> String {
        let clean = text.unicodeScalars.prefix(Self.limit).map { $0.value < 0x20 || $0.value == 0x7f ? "?" : $0 }
        let isCut = text.unicodeScalars.count > Self.limit
        return "\"" + String(String.UnicodeScalarView(clean)) + (isCut ? "..." : "") + "\""
    }
}
