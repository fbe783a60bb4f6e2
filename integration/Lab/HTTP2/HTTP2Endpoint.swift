/// One end of an HTTP/2 connection without its socket: bytes in, messages and bytes out. Written by RFC 9113 for these
/// tests, and strict about what comes: what is wrong throws.
struct HTTP2Endpoint: Sendable {
    /// What it does by itself.
    struct Habits: Sendable {
        /// Acknowledges SETTINGS and PING.
        var acknowledges = true
        /// Gives windows back for what came.
        var opensWindows = true
        /// Frames that are wrong are passed over, where nothing but the end is waited for.
        var passesOver = false
        /// How much of each body is kept; the rest is counted.
        var bodyLimit = 1 << 20
    }

    let isServer: Bool
    var habits: Habits
    private(set) var streams: [UInt32: HTTP2Stream] = [:]
    /// What the other end said, the last of each name. Empty until it did.
    private(set) var peerSettings: [HTTP2Setting]?
    private(set) var goAway: HTTP2Frame?
    /// Answers to PING that came.
    private(set) var pings: [[UInt8]] = []
    /// Frames that came and nobody asked for yet.
    var frames: [HTTP2Frame] = []
    /// To be sent.
    var output: [UInt8] = []
    /// How much DATA the other end takes.
    private(set) var sendWindow = 65535
    /// How much DATA it may send.
    private(set) var receiveWindow = 65535

    private var input: [UInt8] = []
    private var decoder = HPACKDecoder()
    /// Said, and not acknowledged.
    private var pendingSettings: [[HTTP2Setting]] = []
    private var settings: [HTTP2Setting] = []
    /// A header block whose end has not come.
    private var block: (stream: UInt32, ends: Bool, bytes: [UInt8])?
    /// Of the streams that the client has opened.
    private var highestStream: UInt32 = 0
    private var awaitsPreface: Bool

    init(isServer: Bool, habits: Habits) {
        self.isServer = isServer
        self.habits = habits
        self.awaitsPreface = isServer
    }

    private var receiveWindowOfStreams: Int { Int(self.settings[.initialWindowSize] ?? 65535) }
    private var sendWindowOfStreams: Int { Int(self.peerSettings?[.initialWindowSize] ?? 65535) }
    /// How large a frame the other end takes.
    var frameLimit: Int { Int(self.peerSettings?[.maxFrameSize] ?? 16384) }

    // MARK: - Out

    mutating func send(_ frame: HTTP2Frame) {
        switch frame.kind {
        case .settings where !frame.flags.contains(.acknowledgment): self.pendingSettings.append(frame.settings)
        case .windowUpdate:
            let increment = Int(frame.increment ?? 0)
            if frame.stream == 0 {
                self.receiveWindow += increment
            } else {
                self.streams[frame.stream]?.receiveWindow += increment
            }
        case .data, .headers:
            if frame.kind == .data { self.takeWindow(frame.stream, frame.payload.count) }
            if frame.flags.contains(.endStream) { self.streams[frame.stream]?.hasSentEnd = true }
        case .resetStream: self.streams[frame.stream]?.wasResetByUs = true
        default: break
        }
        self.output += frame.bytes
    }

    /// Makes a stream of ours known.
    mutating func open(_ stream: UInt32, method: String) {
        self.streams[stream] = HTTP2Stream(
            sendWindow: self.sendWindowOfStreams, receiveWindow: self.receiveWindowOfStreams, method: method)
    }

    /// A header block in as many frames as it takes.
    mutating func sendHeaders(_ block: [UInt8], on stream: UInt32, ends: Bool) {
        let limit = self.frameLimit
        var rest = block[...]
        let first = rest.prefix(limit)
        rest = rest.dropFirst(first.count)
        self.send(.headers(Array(first), on: stream, ends: ends, endsHeaders: rest.isEmpty))
        while !rest.isEmpty {
            let piece = rest.prefix(limit)
            rest = rest.dropFirst(piece.count)
            self.send(.continuation(Array(piece), on: stream, endsHeaders: rest.isEmpty))
        }
    }

    /// As much of a body as the windows allow; says how much that was. END_STREAM goes with the last of it.
    mutating func sendBody(_ bytes: ArraySlice<UInt8>, on stream: UInt32, ends: Bool) -> Int {
        guard let state = self.streams[stream], !state.hasSentEnd else { return 0 }
        var rest = bytes
        while true {
            let room = min(self.sendWindow, self.streams[stream]?.sendWindow ?? 0, self.frameLimit)
            let piece = rest.prefix(max(0, room))
            guard !piece.isEmpty || (rest.isEmpty && ends) else { break }
            rest = rest.dropFirst(piece.count)
            self.send(.data(Array(piece), on: stream, ends: ends && rest.isEmpty))
            if rest.isEmpty { break }
        }
        return bytes.count - rest.count
    }

    private mutating func takeWindow(_ stream: UInt32, _ count: Int) {
        self.sendWindow -= count
        self.streams[stream]?.sendWindow -= count
    }

    /// What a test has read of a stream is not kept.
    mutating func update<Value>(_ stream: UInt32, _ body: (inout HTTP2Stream) throws -> Value) rethrows -> Value? {
        guard self.streams[stream] != nil else { return nil }
        return try body(&self.streams[stream, default: .init(sendWindow: 0, receiveWindow: 0, method: "")])
    }

    /// A stream that nobody needs any more.
    mutating func forget(_ stream: UInt32) { self.streams[stream] = nil }

    // MARK: - In

    mutating func receive(_ bytes: [UInt8]) throws {
        self.input += bytes
        var rest = self.input[...]
        defer { self.input = Array(rest) }
        if self.awaitsPreface {
            let preface = HTTP2Frame.preface
            guard rest.starts(with: preface.prefix(rest.count)) else { throw LabError("no preface") }
            guard rest.count >= preface.count else { return }
            rest = rest.dropFirst(preface.count)
            self.awaitsPreface = false
        }
        while rest.count >= 3 {
            let length = rest.prefix(3).reduce(0) { $0 << 8 | Int($1) }
            let limit = Int(self.settings[.maxFrameSize] ?? 16384)
            guard length <= limit else { throw LabError("a frame of \(length), \(limit) is allowed") }
            guard let frame = HTTP2Frame(from: &rest) else { return }
            do { try self.receive(frame) } catch  where self.habits.passesOver {}
        }
    }

    private mutating func receive(_ frame: HTTP2Frame) throws {
        if frame.kind != .data { self.frames.append(frame) }
        if self.peerSettings == nil, frame.kind != .settings { throw LabError("\(frame) before SETTINGS") }
        if let block = self.block, frame.kind != .continuation || frame.stream != block.stream {
            throw LabError("\(frame) inside a header block")
        }
        switch frame.kind {
        case .settings: try self.receiveSettings(frame)
        case .ping:
            guard frame.payload.count == 8, frame.stream == 0 else { throw LabError("\(frame)") }
            if frame.flags.contains(.acknowledgment) {
                self.pings.append(frame.payload)
            } else if self.habits.acknowledges {
                self.send(HTTP2Frame(.ping, flags: .acknowledgment, frame.payload))
            }
        case .goAway:
            guard frame.payload.count >= 8, frame.stream == 0 else { throw LabError("\(frame)") }
            self.goAway = frame
        case .windowUpdate: try self.receiveWindowUpdate(frame)
        case .headers:
            self.block = (frame.stream, frame.flags.contains(.endStream), Array(try frame.content()))
            if frame.flags.contains(.endHeaders) { try self.endBlock() }
        case .continuation:
            guard let block = self.block else { throw LabError("\(frame) without HEADERS") }
            self.block = (block.stream, block.ends, block.bytes + frame.payload)
            if frame.flags.contains(.endHeaders) { try self.endBlock() }
        case .data: try self.receiveData(frame)
        case .resetStream:
            guard frame.payload.count == 4, frame.stream != 0 else { throw LabError("\(frame)") }
            self.update(frame.stream) { $0.resetCode = frame.errorCode }
        case .pushPromise: throw LabError("\(frame), which nobody asked for")
        default: break
        }
    }

    private mutating func receiveSettings(_ frame: HTTP2Frame) throws {
        guard frame.stream == 0, frame.payload.count % 6 == 0 else { throw LabError("\(frame)") }
        if frame.flags.contains(.acknowledgment) {
            guard !self.pendingSettings.isEmpty, frame.payload.isEmpty else { throw LabError("\(frame): of what?") }
            let before = self.receiveWindowOfStreams
            self.settings += self.pendingSettings.removeFirst()
            if let size = self.settings[.headerTableSize] { self.decoder.limit = Int(size) }
            self.shiftWindows(receiving: self.receiveWindowOfStreams - before)
        } else {
            let before = self.sendWindowOfStreams
            self.peerSettings = (self.peerSettings ?? []) + frame.settings
            self.shiftWindows(sending: self.sendWindowOfStreams - before)
            if self.habits.acknowledges { self.send(.settingsAcknowledgment) }
        }
    }

    /// RFC 9113 section 6.9.2.
    private mutating func shiftWindows(sending: Int = 0, receiving: Int = 0) {
        for stream in self.streams.keys {
            self.update(stream) {
                $0.sendWindow += sending
                $0.receiveWindow += receiving
            }
        }
    }

    private mutating func receiveWindowUpdate(_ frame: HTTP2Frame) throws {
        guard let increment = frame.increment, increment > 0 else { throw LabError("\(frame) by nothing") }
        if frame.stream == 0 {
            self.sendWindow += Int(increment)
        } else {
            self.update(frame.stream) { $0.sendWindow += Int(increment) }
        }
        guard self.sendWindow < 1 << 31, self.streams[frame.stream].map({ $0.sendWindow < 1 << 31 }) ?? true else {
            throw LabError("\(frame) makes too large a window")
        }
    }

    private mutating func endBlock() throws {
        guard let block = self.block else { return }
        self.block = nil
        let fields = try self.decoder.decode(block.bytes)
        // What comes late for a stream that is done with is no new one.
        if self.isServer, block.stream > self.highestStream {
            self.highestStream = block.stream
            self.open(block.stream, method: fields.values(":method").first ?? "")
        }
        let isRequest = self.isServer
        try self.update(block.stream) { try $0.receive(fields, ends: block.ends, isRequest: isRequest) }
    }

    private mutating func receiveData(_ frame: HTTP2Frame) throws {
        let content = try frame.content()
        let count = frame.payload.count
        self.receiveWindow -= count
        guard self.receiveWindow >= 0 else { throw LabError("\(frame) goes beyond the connection's window") }
        let limit = self.habits.bodyLimit
        let isOpen = try self.update(frame.stream) { stream in
            stream.receiveWindow -= count
            guard stream.receiveWindow >= 0 else { throw LabError("\(frame) goes beyond the stream's window") }
            try stream.receive(content, ends: frame.flags.contains(.endStream), keeping: limit)
            return !stream.hasEnded
        }
        guard self.habits.opensWindows, count > 0 else { return }
        self.send(.windowUpdate(UInt32(count)))
        if isOpen == true { self.send(.windowUpdate(UInt32(count), on: frame.stream)) }
    }
}
