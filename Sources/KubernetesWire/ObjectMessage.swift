internal import KubernetesAPI
internal import KubernetesMessages
internal import SwiftProtobuf

/// A message of a kind that Fairlead reads.
protocol ObjectMessage: SwiftProtobuf.Message {
    var metadata: WireObjectMeta { get }

    /// The object, as far as it can be used. The API server has validated it by rules that this program may
    /// be too old to know, so nothing refuses an object: what cannot be used is left out and noted.
    func object(_ metadata: ObjectMeta, _ conversion: inout Conversion) -> KubernetesObject
}

/// A list of such messages.
protocol ListMessage: SwiftProtobuf.Message {
    associatedtype Item: ObjectMessage
    var metadata: WireListMeta { get }
    var items: [Item] { get }
}

extension WireServiceList: ListMessage {}
extension WireEndpointSliceList: ListMessage {}
extension WireNodeList: ListMessage {}
extension WireServiceCIDRList: ListMessage {}
extension WireIngressList: ListMessage {}
extension WireIngressClassList: ListMessage {}
extension WireSecretList: ListMessage {}

/// What conversions of objects share.
struct Conversion {
    var strings: StringPool
    private(set) var notes: [String] = []

    init(strings: StringPool) {
        self.strings = strings
    }

    mutating func note(_ field: @autoclosure () -> String, _ reason: String) {
        self.notes.append("\(field()): \(reason)")
    }

    /// Converts one object.
    mutating func decoded(_ message: some ObjectMessage, as kind: ObjectKind) throws(WireError) -> DecodedObject {
        self.notes = []
        let wire = message.metadata
        let key = try self.key(of: wire, kind)
        let metadata = ObjectMeta(
            name: key.name,
            labels: Self.known(wire.labels),
            annotations: Self.known(wire.annotations),
            allLabels: kind.isSelectedByLabels ? LabelSet(wire.labels) : LabelSet(),
            creationTimestamp: wire.hasCreationTimestamp ? wire.creationTimestamp.seconds.nonzero : nil
        )
        return DecodedObject(
            object: message.object(metadata, &self),
            resourceVersion: wire.resourceVersion,
            uid: wire.uid,
            notes: self.notes
        )
    }

    /// What the object is called. Without a name it is nothing that a later event could be about.
    mutating func key(of metadata: WireObjectMeta, _ kind: ObjectKind) throws(WireError) -> ObjectKey {
        guard !metadata.name.isEmpty else { throw WireError(.malformed, "a \(kind.rawValue) came without a name") }
        let namespace = metadata.namespace.isEmpty ? "default" : metadata.namespace
        return ObjectKey(
            kind: kind,
            name: ObjectName(
                namespace: kind.isClusterScoped ? "" : self.strings.shared(namespace),
                name: metadata.name
            )
        )
    }

    private static func known(_ entries: [String: String]) -> [String: String] {
        // Most objects have none: the empty dictionary costs nothing.
        entries.isEmpty ? [:] : entries.filter { KnownKey.isKept($0.key) }
    }
}

extension Int64 {
    /// An absent metav1.Time comes in protobuf as an empty message, which is 1970.
    var nonzero: Int64? { self == 0 ? nil : self }
}
