package import KubernetesAPI

/// Something that an object asks for and does not get, or gets otherwise than it may think.
package struct IngressProblem: Hashable, Sendable {
    /// How much it matters: a note changes nothing, a warning is served otherwise, of an error something is not served.
    package typealias Severity = ManifestProblem.Severity

    /// The reason of Events; the raw value is what users see.
    package enum Code: String, Hashable, Sendable, CaseIterable {
        case noClass = "NoClass"
        case classMissing = "ClassMissing"
        case invalidHost = "InvalidHost"
        case invalidPath = "InvalidPath"
        case literalPath = "LiteralPath"
        case duplicatePath = "DuplicatePath"
        case pathConflict = "PathConflict"
        case defaultBackendConflict = "DefaultBackendConflict"
        case resourceBackend = "ResourceBackend"
        case serviceMissing = "ServiceMissing"
        case servicePortMissing = "ServicePortMissing"
        case externalNameRefused = "ExternalNameRefused"
        case invalidAnnotation = "InvalidAnnotation"
        case unknownAnnotation = "UnknownAnnotation"
        case settingConflict = "SettingConflict"
        case certificateMissing = "CertificateMissing"
        case certificateInvalid = "CertificateInvalid"
        case certificateNotCovering = "CertificateNotCovering"
        case certificateConflict = "CertificateConflict"
        case clientAuthorityMissing = "ClientAuthorityMissing"
        case clientAuthorityInvalid = "ClientAuthorityInvalid"
        case backendSecretMissing = "BackendSecretMissing"
        case backendSecretInvalid = "BackendSecretInvalid"
        case unknownAppProtocol = "UnknownAppProtocol"
        case annotationWithoutEffect = "AnnotationWithoutEffect"
    }

    package let object: ObjectKey
    package let severity: Severity
    package let code: Code
    package let message: String

    package init(_ object: ObjectKey, _ severity: Severity, _ code: Code, _ message: String) {
        self.object = object
        self.severity = severity
        self.code = code
        self.message = message
    }

    init(ingress: ObjectName, _ severity: Severity, _ code: Code, _ message: String) {
        self.init(ObjectKey(kind: .ingress, name: ingress), severity, code, message)
    }
}

extension IngressProblem: Comparable, CustomStringConvertible {
    /// `Ingress shop/web: rule for host ...`.
    package var description: String { "\(self.object): \(self.message)" }

    package static func < (left: Self, right: Self) -> Bool {
        (left.object.kind.rawValue, left.object.name, left.code.rawValue, left.message)
            < (right.object.kind.rawValue, right.object.name, right.code.rawValue, right.message)
    }
}
