internal import KubernetesAPI
internal import Linux
internal import Networking
internal import Observability
internal import ServiceModel

/// Times as text, and back. The last one is remembered: what came with one listing has one time.
private struct TimeText {
    private var known: (time: Int64?, text: String) = (nil, "")

    mutating func text(_ time: Int64) -> String {
        if self.known.time == time { return self.known.text }
        let wall = WallTime(unixNanoseconds: time)
        let text = UTCTime.text(seconds: wall.seconds, milliseconds: wall.nanoseconds / 1_000_000)
        self.known = (time, text)
        return text
    }

    /// nil for what is none.
    mutating func time(_ text: String) -> Int64? {
        if self.known.text == text { return self.known.time }
        let time = Timestamp.unixNanoseconds(text)
        self.known = (time, text)
        return time
    }
}

extension EndpointList {
    package var json: String {
        APIDocument.text(Self.kind) { json in
            json.member("continue", self.next.map { "\($0)" })
            json.array("items") { json in
                var clock = TimeText()
                for item in self.items { json.object { json in item.write(to: &json, &clock) } }
            }
        }
    }

    /// Members that are new are passed over; values of closed sets that are new are not.
    package init(json: [UInt8]) throws(APIFailure) {
        var items: [EndpointItem] = []
        var next: ObjectName?
        let isOne = APIDocument.read(json, Self.kind) { (name, json) throws(JSONReader.Malformed) in
            switch name {
            case "continue": next = ListPage.name(try json.string())
            case "items":
                var clock = TimeText()
                try json.array { (json) throws(JSONReader.Malformed) in items.append(try EndpointItem(&json, &clock)) }
            default: try json.skip()
            }
        }
        guard isOne else {
            throw APIFailure(code: 502, message: "the answer is no \(Self.kind) of \(APIDocument.version)")
        }
        self.init(items: items)
        self.next = next
    }
}

extension EndpointItem {
    fileprivate func write(to json: inout JSONText, _ clock: inout TimeText) {
        json.member("namespace", self.namespace)
        json.member("service", self.service)
        json.member("port", self.portName)
        if let portNumber { json.member("portNumber", portNumber) }
        json.member("protocol", self.transport.kubernetesName)
        json.member("address", "\(self.backend.address)")
        json.member("targetPort", self.backend.port)
        json.member("node", self.node)
        json.member("zone", self.zone)
        json.member("servedBy", self.servedBy?.rawValue)
        json.member("state", self.state.rawValue)
        if let since { json.member("since", clock.text(since)) }
        if let share { json.member("sharePercent", share) }
        if let connections { json.member("connections", connections) } else { json.null("connections") }
        json.member("lastFailure", self.lastFailure)
    }
}

extension EndpointItem {
    fileprivate init(_ json: inout JSONReader, _ clock: inout TimeText) throws(JSONReader.Malformed) {
        var namespace: String?
        var service: String?
        var portName: String?
        var portNumber: UInt16?
        var transport: TransportProtocol?
        var address: IPAddress?
        var targetPort: UInt16?
        var node: String?
        var zone: String?
        var servedBy: EndpointServer?
        var state: EndpointState?
        var since: Int64?
        var share: Int?
        var connections: Int?
        var lastFailure: String?
        try json.object { (name, json) throws(JSONReader.Malformed) in
            switch name {
            case "namespace": namespace = try json.string()
            case "service": service = try json.string()
            case "port": portName = try json.string()
            case "portNumber": portNumber = try json.integer()
            case "protocol": transport = TransportProtocol(kubernetesName: try json.string())
            case "address": address = IPAddress(try json.string())
            case "targetPort": targetPort = try json.integer()
            case "node": node = try json.string()
            case "zone": zone = try json.string()
            case "servedBy": servedBy = try json.value()
            case "state": state = try json.value()
            case "since": since = clock.time(try json.string())
            case "sharePercent": share = try json.integer()
            case "connections":
                connections = try json.optional { (json) throws(JSONReader.Malformed) in try json.integer() }
            case "lastFailure": lastFailure = try json.string()
            default: try json.skip()
            }
        }
        guard let namespace, let service, let portName, let transport, let address, let targetPort, let state else {
            throw json.malformed
        }
        self.init(
            namespace: namespace, service: service, portName: portName, portNumber: portNumber, transport: transport,
            backend: Backend(address, targetPort), state: state)
        self.node = node
        self.zone = zone
        self.servedBy = servedBy
        self.since = since
        self.share = share
        self.connections = connections
        self.lastFailure = lastFailure
    }
}

extension JSONReader {
    mutating func strings() throws(Malformed) -> [String] {
        var texts: [String] = []
        try self.array { (json) throws(Malformed) in texts.append(try json.string()) }
        return texts
    }

    /// Of a closed set.
    mutating func value<Value: RawRepresentable>() throws(Malformed) -> Value
    where Value.RawValue == String {
        guard let value = Value(rawValue: try self.string()) else { throw self.malformed }
        return value
    }
}
