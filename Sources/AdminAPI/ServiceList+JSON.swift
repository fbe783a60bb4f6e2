internal import KubernetesAPI
internal import Networking
internal import Observability

extension ServiceList {
    package var json: String {
        APIDocument.text(Self.kind) { json in
            json.member("continue", self.next.map { "\($0)" })
            json.array("items") { json in
                for item in self.items { json.object { json in item.write(to: &json) } }
            }
        }
    }

    /// Members that are new are passed over; values of closed sets that are new are not.
    package init(json: [UInt8]) throws(APIFailure) {
        var items: [ServiceItem] = []
        var next: ObjectName?
        let isOne = APIDocument.read(json, Self.kind) { (name, json) throws(JSONReader.Malformed) in
            switch name {
            case "continue": next = ListPage.name(try json.string())
            case "items":
                try json.array { (json) throws(JSONReader.Malformed) in items.append(try ServiceItem(&json)) }
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

extension ServiceItem {
    fileprivate func write(to json: inout JSONText) {
        json.member("namespace", self.namespace)
        json.member("name", self.name)
        json.member("type", self.type)
        json.array("clusterIPs", self.clusterIPs)
        json.array("externalIPs", self.externalIPs)
        json.array("ports") { json in
            for port in self.ports { json.object { json in port.write(to: &json) } }
        }
        json.member("externalTrafficPolicy", self.externalPolicy)
        json.member("internalTrafficPolicy", self.internalPolicy)
        if let affinity { json.member("sessionAffinitySeconds", affinity) }
        json.array("problems", self.problems)
    }

    fileprivate init(_ json: inout JSONReader) throws(JSONReader.Malformed) {
        var item = ServiceItem(namespace: "", name: "", type: "")
        try json.object { (name, json) throws(JSONReader.Malformed) in
            switch name {
            case "namespace": item.namespace = try json.string()
            case "name": item.name = try json.string()
            case "type": item.type = try json.string()
            case "clusterIPs": item.clusterIPs = try json.strings()
            case "externalIPs": item.externalIPs = try json.strings()
            case "ports":
                try json.array { (json) throws(JSONReader.Malformed) in item.ports.append(try Port(&json)) }
            case "externalTrafficPolicy": item.externalPolicy = try json.string()
            case "internalTrafficPolicy": item.internalPolicy = try json.string()
            case "sessionAffinitySeconds": item.affinity = try json.integer()
            case "problems": item.problems = try json.strings()
            default: try json.skip()
            }
        }
        guard !item.namespace.isEmpty, !item.name.isEmpty, !item.type.isEmpty else { throw json.malformed }
        self = item
    }
}

extension ServiceItem.Port {
    fileprivate func write(to json: inout JSONText) {
        json.member("name", self.name)
        json.member("port", self.number)
        json.member("protocol", self.transport.kubernetesName)
        if let nodePort { json.member("nodePort", nodePort) }
        json.member("readyEndpoints", self.ready)
        json.member("endpoints", self.listed)
        json.member("servedBy", self.servedBy?.rawValue)
    }

    fileprivate init(_ json: inout JSONReader) throws(JSONReader.Malformed) {
        var name: String?
        var number: UInt16?
        var transport: TransportProtocol?
        var nodePort: UInt16?
        var (ready, listed): (Int?, Int?)
        var servedBy: EndpointServer?
        try json.object { (member, json) throws(JSONReader.Malformed) in
            switch member {
            case "name": name = try json.string()
            case "port": number = try json.integer()
            case "protocol": transport = TransportProtocol(kubernetesName: try json.string())
            case "nodePort": nodePort = try json.integer()
            case "readyEndpoints": ready = try json.integer()
            case "endpoints": listed = try json.integer()
            case "servedBy": servedBy = try json.value()
            default: try json.skip()
            }
        }
        guard let name, let number, let transport, let ready, let listed else { throw json.malformed }
        self.init(
            name: name, number: number, transport: transport, nodePort: nodePort, ready: ready, listed: listed,
            servedBy: servedBy)
    }
}
