internal import Bytes
internal import HTTP1
internal import Networking
internal import Observability
internal import Reactor

/// An address and a port as text, in place.
struct SocketText: BitwiseCopyable {
    let address: AddressText
    let port: UInt16
    let isIPv6: Bool

    init(_ address: IPAddress, _ port: UInt16) {
        self.address = AddressText(address)
        self.port = port
        self.isIPv6 = address.family == .ipv6
    }
}

/// Lines of the access log of one worker, gathered until there are enough or long enough.
struct AccessLogLines: ~Copyable {
    private let sink: AccessLogSink?
    private let format: AccessLogFormat
    private var lines = ByteBuffer()
    private var time = LogTime(secondsSince1970: 0)
    private var flushAt = UInt64.max
    private let interval: UInt64

    /// - Parameter interval: milliseconds that a line waits at most.
    init(_ sink: AccessLogSink?, _ format: AccessLogFormat, interval: Int) {
        self.sink = sink
        self.interval = UInt64(interval)
        self.format = format
    }

    var isWanted: Bool { self.sink != nil }

    /// Once a second.
    mutating func setTime(secondsSince1970 seconds: Int64) { self.time = LogTime(secondsSince1970: seconds) }

    /// - Parameter backend: `namespace/name:port`; empty for none.
    mutating func add(
        _ entry: borrowing AccessLogEntry, _ outcome: AccessLogOutcome, backend: String, now: UInt64
    ) {
        guard self.sink != nil else { return }
        if !self.lines.hasMemory { self.lines = ByteBuffer(capacity: Self.capacity) }
        if self.lines.space < Self.longestLine { self.flush() }
        if self.lines.isEmpty { self.flushAt = now + self.interval }
        switch self.format {
        case .text: self.addText(entry, outcome, backend)
        case .json: self.addJSON(entry, outcome, backend)
        }
    }

    mutating func flushIfDue(now: UInt64) {
        if now >= self.flushAt { self.flush() }
    }

    mutating func flush() {
        self.flushAt = .max
        guard !self.lines.isEmpty else { return }
        self.sink?.write(self.lines.copy)
        self.lines.clear()
    }

    /// Five texts of 2 KiB, each of which may become six times as long, and the rest.
    private static let longestLine = 64 << 10
    private static let capacity = 256 << 10

    // MARK: - Text

    /// `client - - [time] "request" status bytes "referer" "agent" request-bytes seconds [backend] endpoint tries id`: that of
    /// nginx called combined, and behind it what ingress-nginx adds.
    private mutating func addText(_ entry: borrowing AccessLogEntry, _ outcome: AccessLogOutcome, _ backend: String) {
        let text = entry.text.readable
        self.lines.append(outcome.client.span)
        self.lines.append(" - - [")
        self.time.writeLocal(into: &self.lines)
        self.lines.append("] \"")
        self.append(text, entry.method, .text)
        self.lines.append(UInt8(ascii: " "))
        self.append(text, entry.target, .text)
        self.lines.append(" ")
        self.lines.append(outcome.version.text)
        self.lines.append("\" ")
        self.lines.append(decimal: UInt64(outcome.status))
        self.lines.append(UInt8(ascii: " "))
        self.lines.append(decimal: outcome.answerBytes)
        self.lines.append(" \"")
        self.appendOrDash(text, entry.referer)
        self.lines.append("\" \"")
        self.appendOrDash(text, entry.userAgent)
        self.lines.append("\" ")
        self.lines.append(decimal: outcome.requestBytes)
        self.lines.append(UInt8(ascii: " "))
        self.appendSeconds(outcome.microseconds)
        self.lines.append(" [")
        self.lines.append(text: backend)
        self.lines.append("] ")
        if let endpoint = outcome.endpoint {
            self.append(endpoint)
        } else {
            self.lines.append(UInt8(ascii: "-"))
        }
        self.lines.append(UInt8(ascii: " "))
        self.lines.append(decimal: UInt64(outcome.tries))
        self.lines.append(UInt8(ascii: " "))
        entry.id.write(into: &self.lines)
        self.lines.append(UInt8(ascii: " "))
        if let reason = outcome.reason { self.lines.append(reason) } else { self.lines.append(UInt8(ascii: "-")) }
        self.lines.append(UInt8(ascii: "\n"))
    }

    private mutating func appendOrDash(_ text: Span<UInt8>, _ range: ByteRange) {
        if range.isEmpty { self.lines.append(UInt8(ascii: "-")) } else { self.append(text, range, .text) }
    }

    // MARK: - JSON

    private mutating func addJSON(_ entry: borrowing AccessLogEntry, _ outcome: AccessLogOutcome, _ backend: String) {
        let text = entry.text.readable
        self.lines.append("{\"time\":\"")
        self.time.writeUTC(into: &self.lines)
        self.lines.append("\",\"client\":\"")
        self.lines.append(outcome.client.span)
        self.lines.append("\",\"scheme\":")
        self.lines.append(outcome.isSecure ? "\"https\"" : "\"http\"")
        self.lines.append(",\"method\":\"")
        self.append(text, entry.method, .json)
        self.lines.append("\",\"host\":\"")
        self.append(text, entry.host, .json)
        self.lines.append("\",\"target\":\"")
        self.append(text, entry.target, .json)
        self.lines.append("\",\"protocol\":\"")
        self.lines.append(outcome.version.text)
        self.lines.append("\"")
        self.lines.append(",\"status\":")
        self.lines.append(decimal: UInt64(outcome.status))
        self.lines.append(",\"bytes\":")
        self.lines.append(decimal: outcome.answerBytes)
        self.lines.append(",\"requestBytes\":")
        self.lines.append(decimal: outcome.requestBytes)
        self.lines.append(",\"seconds\":")
        self.appendSeconds(outcome.microseconds)
        self.lines.append(",\"tries\":")
        self.lines.append(decimal: UInt64(outcome.tries))
        self.lines.append(",\"backend\":\"")
        self.lines.append(text: backend)
        self.lines.append("\"")
        if let endpoint = outcome.endpoint {
            self.lines.append(",\"endpoint\":\"")
            self.append(endpoint)
            self.lines.append("\"")
        }
        if let reason = outcome.reason {
            self.lines.append(",\"reason\":\"")
            self.lines.append(reason)
            self.lines.append("\"")
        }
        if !entry.referer.isEmpty {
            self.lines.append(",\"referer\":\"")
            self.append(text, entry.referer, .json)
            self.lines.append("\"")
        }
        if !entry.userAgent.isEmpty {
            self.lines.append(",\"userAgent\":\"")
            self.append(text, entry.userAgent, .json)
            self.lines.append("\"")
        }
        self.lines.append(",\"requestID\":\"")
        entry.id.write(into: &self.lines)
        self.lines.append("\"}\n")
    }

    // MARK: - Pieces

    /// Such that what a client sends cannot end a text or a line, or speak to a terminal.
    private mutating func append(_ text: Span<UInt8>, _ range: ByteRange, _ format: AccessLogFormat) {
        for index in range.indices {
            let byte = text[index]
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                self.lines.append(UInt8(ascii: "\\"))
                self.lines.append(byte)
            case 0x20..<0x7f: self.lines.append(byte)
            default:
                // Bytes above 0x7f are nobody knows what; as Latin-1 they stay readable in JSON.
                self.lines.append(format == .json ? "\\u00" : "\\x")
                self.lines.append(hex: UInt64(byte), digits: 2)
            }
        }
    }

    private mutating func append(_ endpoint: SocketText) {
        if endpoint.isIPv6 { self.lines.append(UInt8(ascii: "[")) }
        self.lines.append(endpoint.address.span)
        if endpoint.isIPv6 { self.lines.append(UInt8(ascii: "]")) }
        self.lines.append(UInt8(ascii: ":"))
        self.lines.append(decimal: UInt64(endpoint.port))
    }

    /// With three decimals.
    private mutating func appendSeconds(_ microseconds: UInt64) {
        let milliseconds = (microseconds + 500) / 1_000
        self.lines.append(decimal: milliseconds / 1_000)
        self.lines.append(UInt8(ascii: "."))
        let rest = milliseconds % 1_000
        if rest < 100 { self.lines.append(UInt8(ascii: "0")) }
        if rest < 10 { self.lines.append(UInt8(ascii: "0")) }
        self.lines.append(decimal: rest)
    }
}
