internal import KubernetesAPI
internal import KubernetesMessages

extension WireSecret: ObjectMessage {
    /// Of a Secret that is for something else only the name and the type are kept, and of the others three values.
    func object(_ metadata: ObjectMeta, _ conversion: inout Conversion) -> KubernetesObject {
        let type = self.type.isEmpty ? SecretType.opaque : SecretType(rawValue: conversion.strings.shared(self.type))
        var secret = Secret(metadata: metadata, type: type)
        guard type.isRead else { return .secret(secret) }
        for key in Secret.DataKey.allCases { secret[key] = self.data[key.rawValue].map { [UInt8]($0) } }
        return .secret(secret)
    }
}
