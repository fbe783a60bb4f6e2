/// What came on one stream.
struct HTTP2Stream: Sendable {
    /// How much DATA the other end takes, and how much it may send.
    var sendWindow: Int
    var receiveWindow: Int
    /// Of the request.
    let method: String
    /// Heads with a status of 1xx.
    private(set) var interim: [[HTTPField]] = []
    /// The head, pseudo-fields first.
    private(set) var fields: [HTTPField]?
    private(set) var trailers: [HTTPField] = []
    /// The front of the body.
    var body: [UInt8] = []
    /// All of it.
    private(set) var bodyLength = 0
    /// How many DATA frames it came in.
    private(set) var dataFrames = 0
    private(set) var hasEnded = false
    var resetCode: HTTP2ErrorCode?
    var hasSentEnd = false
    var wasResetByUs = false

    init(sendWindow: Int, receiveWindow: Int, method: String) {
        self.sendWindow = sendWindow
        self.receiveWindow = receiveWindow
        self.method = method
    }

    /// Nothing more comes.
    var isOver: Bool { self.hasEnded || self.resetCode != nil }

    mutating func receive(_ fields: [HTTPField], ends: Bool, isRequest: Bool) throws {
        if self.wasResetByUs { return }
        guard !self.isOver else { throw LabError("HEADERS after the end of a stream: \(fields)") }
        if self.fields != nil {
            guard ends else { throw LabError("trailers that do not end the stream: \(fields)") }
            try fields.expectRegularHTTP2()
            self.trailers = fields
        } else if !isRequest, try HTTPResponse(http2: fields).status / 100 == 1 {
            guard !ends else { throw LabError("an interim answer that ends the stream: \(fields)") }
            self.interim.append(fields)
            return
        } else {
            if isRequest { try fields.expectHTTP2Request() }
            self.fields = fields
        }
        if ends { try self.end() }
    }

    mutating func receive(_ content: ArraySlice<UInt8>, ends: Bool, keeping limit: Int) throws {
        if self.wasResetByUs { return }
        guard self.fields != nil, !self.isOver else { throw LabError("DATA outside of a message") }
        self.bodyLength += content.count
        self.dataFrames += 1
        self.body += content.prefix(max(0, limit - self.body.count))
        if ends { try self.end() }
    }

    /// RFC 9113 section 8.1.1: a length that was said has to be right.
    private mutating func end() throws {
        self.hasEnded = true
        let lengths = Set(self.fields?.values("content-length") ?? [])
        let status = self.fields?.values(":status").first
        if self.method == "HEAD" && status != nil || status == "304" || status == "204" {
            guard self.bodyLength == 0 else { throw LabError("\(self.bodyLength) bytes of body where there is none") }
            return
        }
        guard lengths.isEmpty || lengths == ["\(self.bodyLength)"] else {
            throw LabError("a body of \(self.bodyLength), and content-length \(lengths)")
        }
    }
}

extension [HTTPField] {
    private static let connectionSpecific: Set<String> = [
        "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade",
    ]

    /// RFC 9113 sections 8.2 and 8.2.2: no pseudo-fields here, no capitals, nothing of a connection, no line breaks.
    func expectRegularHTTP2() throws {
        for field in self {
            let name = Swift.Array(field.name.utf8)
            let isToken = name.allSatisfy { $0 > 32 && $0 < 127 && $0 != 58 && !(65...90).contains($0) }
            guard !name.isEmpty, isToken else { throw LabError("no name of a field: \(field)") }
            guard !Self.connectionSpecific.contains(field.name), field.name != "te" || field.value == "trailers" else {
                throw LabError("a field of the connection: \(field)")
            }
            let value = Swift.Array(field.value.utf8)
            let isFit = !value.contains(0) && !value.contains(10) && !value.contains(13)
            guard isFit, value.first != 32, value.first != 9, value.last != 32, value.last != 9 else {
                throw LabError("no value of a field: \(field)")
            }
        }
    }

    /// RFC 9113 section 8.3.1, and RFC 8441 section 4.
    func expectHTTP2Request() throws {
        let pseudo = self.prefix { $0.name.hasPrefix(":") }.map(\.name)
        try Swift.Array(self.dropFirst(pseudo.count)).expectRegularHTTP2()
        let needed: Set<String> = [":method", ":scheme", ":path"]
        let known = needed.union([":authority", ":protocol"])
        guard Set(pseudo).count == pseudo.count, known.isSuperset(of: pseudo), needed.isSubset(of: pseudo) else {
            throw LabError("pseudo-fields: \(pseudo)")
        }
        let isExtended = pseudo.contains(":protocol")
        guard isExtended == (self.values(":method") == ["CONNECT"]) else { throw LabError("CONNECT: \(self)") }
        guard self.values(":path")[0].hasPrefix("/") || self.values(":path") == ["*"] else {
            throw LabError("no path: \(self)")
        }
        let hosts = Set(self.values("host") + self.values(":authority"))
        guard hosts.count == 1 else { throw LabError("no one authority: \(hosts)") }
    }
}
