package import KubernetesAPI

/// An object as it came, and what about it could not be used.
package struct DecodedObject: Sendable, Hashable {
    package let object: KubernetesObject
    /// To be handed back as it is, never compared but for equality.
    package let resourceVersion: String
    /// What tells the object from others that had its name before. Events about it have to give it.
    package let uid: String
    /// What was left out of it and why, each beginning with the field (`spec.externalIPs[1]: must be ...`).
    package let notes: [String]

    package init(object: KubernetesObject, resourceVersion: String, uid: String = "", notes: [String] = []) {
        self.object = object
        self.resourceVersion = resourceVersion
        self.uid = uid
        self.notes = notes
    }
}

/// One list, or one page of it.
package struct ObjectList: Sendable, Hashable {
    package var objects: [DecodedObject]
    /// Where a watch goes on from.
    package var resourceVersion: String
    /// For the next page; empty with the last one.
    package var continueToken: String
    /// How many are behind this page; nil if the server does not say.
    package var remainingItemCount: Int?

    package init(
        objects: [DecodedObject] = [],
        resourceVersion: String = "",
        continueToken: String = "",
        remainingItemCount: Int? = nil
    ) {
        self.objects = objects
        self.resourceVersion = resourceVersion
        self.continueToken = continueToken
        self.remainingItemCount = remainingItemCount
    }
}

/// One event of a watch.
package enum WatchEvent: Sendable, Hashable {
    case added(DecodedObject)
    case modified(DecodedObject)
    /// With the resource version of the deletion.
    case deleted(ObjectKey, resourceVersion: String)
    /// Everything up to this resource version has been sent. `isInitialEventsEnd`: and with it the state
    /// asked for with `sendInitialEvents` (KEP-3157).
    case bookmark(resourceVersion: String, isInitialEventsEnd: Bool)
    /// The server ends the watch: `410 Expired` if its history does not reach back as far as asked for.
    case error(APIStatus)
    /// A type of event that this program is too old for.
    case unrecognized(type: String)
}
