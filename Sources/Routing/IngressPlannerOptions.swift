package import KubernetesAPI

/// What an operator decides of how Ingresses are read.
package struct IngressPlannerOptions: Hashable, Sendable {
    /// `--controller-class`: Ingresses are ours whose class names this controller (C1).
    package var controller = "fairlead.dev/ingress-controller"
    /// `--ingress-class`: what the annotation `kubernetes.io/ingress.class` has to say (C3).
    package var annotationClass = "fairlead"
    /// `--watch-ingress-without-class`: Ingresses that name no class are ours (C4).
    package var watchesWithoutClass = false
    /// Whether an Ingress that names no class gets the default one, which the API server does when an Ingress is created
    /// (C5). For sources without an API server.
    package var appliesDefaultClass = false
    /// `--watch-namespace`: Ingresses of others are not ours; nil for all.
    package var watchNamespace: String?
    /// `--default-backend-service`: what gets requests that no rule and no default backend of an Ingress is for (D5).
    package var defaultBackend: BackendID?
    /// `--default-ssl-certificate`: a Secret; nil for a generated certificate.
    package var defaultCertificate: ObjectName?
    /// Whether Services of type ExternalName are served (B6).
    package var allowsExternalNames = false
    /// Whether hosts with TLS redirect plain requests unless an Ingress says otherwise (T12).
    package var redirectsToHTTPS = false
    /// `--https-port`, for redirects.
    package var httpsPort: UInt16 = 443
    /// `--max-route-metrics`: so many routes are counted by themselves.
    package var meteredRoutes = 100
    package static let mostMeteredRoutes = Int(UInt16.max) - RouteMeter.firstOwn
    /// What Ingresses without annotations get.
    package var settings = RouteSettings()

    package init() {}
}
