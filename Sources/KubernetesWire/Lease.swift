package import KubernetesAPI
internal import KubernetesMessages

/// A Lease (coordination.k8s.io/v1): who of several is the leader, as client-go's leader election has it.
package struct Lease: Sendable, Hashable {
    package static let objectType = ObjectType(apiVersion: "coordination.k8s.io/v1", kind: "Lease")

    package var name: ObjectName
    /// As read; a `PUT` with another one than the server's is refused with a conflict. Empty for a new Lease.
    package var resourceVersion: String
    package var uid: String
    /// Empty if nobody holds it.
    package var holderIdentity: String
    package var leaseDurationSeconds: Int
    package var acquireTime: MicroTime?
    package var renewTime: MicroTime?
    /// How often the holder changed.
    package var leaseTransitions: Int

    package init(
        name: ObjectName,
        resourceVersion: String = "",
        uid: String = "",
        holderIdentity: String,
        leaseDurationSeconds: Int,
        acquireTime: MicroTime? = nil,
        renewTime: MicroTime? = nil,
        leaseTransitions: Int = 0
    ) {
        self.name = name
        self.resourceVersion = resourceVersion
        self.uid = uid
        self.holderIdentity = holderIdentity
        self.leaseDurationSeconds = leaseDurationSeconds
        self.acquireTime = acquireTime
        self.renewTime = renewTime
        self.leaseTransitions = leaseTransitions
    }

    /// From the answer to a `GET`, `POST` or `PUT`.
    package init(decoding bytes: [UInt8], format: WireFormat) throws(WireError) {
        let lease = try MessageCoding.decodeObject(WireLease.self, bytes[...], as: Self.objectType, format)
        self.init(
            name: ObjectName(namespace: lease.metadata.namespace, name: lease.metadata.name),
            resourceVersion: lease.metadata.resourceVersion,
            uid: lease.metadata.uid,
            holderIdentity: lease.spec.holderIdentity,
            leaseDurationSeconds: Int(lease.spec.leaseDurationSeconds),
            acquireTime: MicroTime(lease.spec.acquireTime),
            renewTime: MicroTime(lease.spec.renewTime),
            leaseTransitions: Int(lease.spec.leaseTransitions)
        )
    }

    /// The body of a `POST` or `PUT`. Labels, annotations and owners that others gave the Lease are not in it:
    /// who writes one owns it.
    package func encoded(as format: WireFormat) throws(WireError) -> [UInt8] {
        var lease = WireLease()
        lease.metadata.name = self.name.name
        lease.metadata.namespace = self.name.namespace
        lease.metadata.resourceVersion = self.resourceVersion
        lease.metadata.uid = self.uid
        lease.spec.holderIdentity = self.holderIdentity
        lease.spec.leaseDurationSeconds = Int32(clamping: self.leaseDurationSeconds)
        if let time = self.acquireTime { lease.spec.acquireTime = time.message }
        if let time = self.renewTime { lease.spec.renewTime = time.message }
        lease.spec.leaseTransitions = Int32(clamping: self.leaseTransitions)
        return try MessageCoding.encode(lease, as: Self.objectType, format)
    }
}
