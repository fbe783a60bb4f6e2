/// A Secret (core/v1), as far as certificates go. Nothing that prints it, reflects on it or dumps it shows its values.
package struct Secret: Hashable, Sendable {
    package var metadata: ObjectMeta
    package var type: SecretType
    /// `tls.crt`: PEM, the leaf first.
    package var certificate: [UInt8]?
    /// `tls.key`: PEM.
    package var key: [UInt8]?
    /// `ca.crt`: PEM, who signs the certificates of clients, or of endpoints.
    package var authority: [UInt8]?

    package init(
        metadata: ObjectMeta,
        type: SecretType = .tls,
        certificate: [UInt8]? = nil,
        key: [UInt8]? = nil,
        authority: [UInt8]? = nil
    ) {
        self.metadata = metadata
        self.type = type
        self.certificate = certificate
        self.key = key
        self.authority = authority
    }

    /// The keys of `data` that are read, and no other.
    package enum DataKey: String, Hashable, Sendable, CaseIterable {
        case certificate = "tls.crt"
        case key = "tls.key"
        case authority = "ca.crt"
    }

    package subscript(key: DataKey) -> [UInt8]? {
        get {
            switch key {
            case .certificate: self.certificate
            case .key: self.key
            case .authority: self.authority
            }
        }
        set {
            switch key {
            case .certificate: self.certificate = newValue
            case .key: self.key = newValue
            case .authority: self.authority = newValue
            }
        }
    }
}

/// What a Secret is for. Data is read of the two types named here only.
package struct SecretType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: String

    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    package static let tls = SecretType(rawValue: "kubernetes.io/tls")
    package static let opaque = SecretType(rawValue: "Opaque")

    /// Whether a Secret of this type can hold certificates.
    package var isRead: Bool { self == .tls || self == .opaque }

    package var description: String { self.rawValue }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// `Secret default/web of type kubernetes.io/tls with tls.crt, tls.key`.
    package var description: String {
        let held = DataKey.allCases.filter { self[$0] != nil }.map(\.rawValue)
        let words = held.isEmpty ? "nothing" : held.joined(separator: ", ")
        return "Secret \(self.metadata.name) of type \(self.type) with \(words)"
    }

    package var debugDescription: String { self.description }

    package var customMirror: Mirror {
        let sizes = DataKey.allCases.compactMap { key in self[key].map { (key.rawValue, "\($0.count) bytes") } }
        return Mirror(
            self,
            children: [("metadata", self.metadata), ("type", self.type)] + sizes.map { ($0, $1 as Any) },
            displayStyle: .struct
        )
    }
}
