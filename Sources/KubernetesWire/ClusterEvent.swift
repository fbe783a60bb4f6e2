package import KubernetesAPI
internal import KubernetesMessages

/// What an event or a reference is about.
package struct ObjectReference: Sendable, Hashable {
    package var apiVersion: String
    package var kind: String
    /// Empty for what belongs to the cluster.
    package var namespace: String
    package var name: String
    /// Empty if not known. For a Node the kubelet and kube-proxy give its name here.
    package var uid: String

    package init(apiVersion: String, kind: String, namespace: String = "", name: String, uid: String = "") {
        self.apiVersion = apiVersion
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.uid = uid
    }

    package init(_ key: ObjectKey, uid: String = "") {
        self.init(
            apiVersion: key.kind.apiVersion,
            kind: key.kind.rawValue,
            namespace: key.name.namespace,
            name: key.name.name,
            uid: uid
        )
    }
}

/// An Event to be written (events.k8s.io/v1).
package struct ClusterEvent: Sendable, Hashable {
    package enum Severity: String, Sendable, Hashable {
        case normal = "Normal"
        case warning = "Warning"
    }

    package static let objectType = ObjectType(apiVersion: "events.k8s.io/v1", kind: "Event")

    /// Unlike any other's: the API server refuses a name that exists. That of the object it is about, a dot,
    /// and something unique, in client-go.
    package var name: ObjectName
    package var regarding: ObjectReference
    /// `FailedToStartServiceHealthcheck`: at most 128 characters.
    package var reason: String
    /// What was being done, `Sync`: at most 128 characters, not empty.
    package var action: String
    /// For people: at most 1024 bytes.
    package var note: String
    package var severity: Severity
    /// Who says so: `fairlead`, and the node it runs on.
    package var reportingController: String
    package var reportingInstance: String
    package var time: MicroTime

    package init(
        name: ObjectName,
        regarding: ObjectReference,
        reason: String,
        action: String,
        note: String,
        severity: Severity,
        reportingController: String,
        reportingInstance: String,
        time: MicroTime
    ) {
        self.name = name
        self.regarding = regarding
        self.reason = reason
        self.action = action
        self.note = note
        self.severity = severity
        self.reportingController = reportingController
        self.reportingInstance = reportingInstance
        self.time = time
    }

    /// The body of the `POST`.
    package func encoded(as format: WireFormat) throws(WireError) -> [UInt8] {
        var event = WireEvent()
        event.metadata.name = self.name.name
        event.metadata.namespace = self.name.namespace
        event.eventTime = self.time.message
        event.reportingController = self.reportingController
        event.reportingInstance = self.reportingInstance
        event.action = self.action
        event.reason = self.reason
        event.regarding.apiVersion = self.regarding.apiVersion
        event.regarding.kind = self.regarding.kind
        event.regarding.namespace = self.regarding.namespace
        event.regarding.name = self.regarding.name
        event.regarding.uid = self.regarding.uid
        event.note = self.note
        event.type = self.severity.rawValue
        return try MessageCoding.encode(event, as: Self.objectType, format)
    }
}
