/// An IngressClass (networking.k8s.io/v1): which controller serves the Ingresses that name it.
package struct IngressClass: Hashable, Sendable {
    package var metadata: ObjectMeta
    /// `spec.controller`, as `example.com/ingress-controller`.
    package var controller: String
    /// ``KnownKey/isDefaultClass`` is "true". The API server writes the class into new Ingresses that name none.
    package var isDefault: Bool
    /// `spec.parameters` is given. Fairlead has none.
    package var hasParameters: Bool

    package init(
        metadata: ObjectMeta,
        controller: String,
        isDefault: Bool = false,
        hasParameters: Bool = false
    ) {
        self.metadata = metadata
        self.controller = controller
        self.isDefault = isDefault
        self.hasParameters = hasParameters
    }
}
