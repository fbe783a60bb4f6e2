internal import HTTPProxy
internal import IngressControl
internal import KubernetesAPI
internal import KubernetesClient
internal import Observability
internal import Routing
internal import TLS

/// What the ingress role does, as its options have it.
struct IngressSettings {
    var proxy = HTTPProxyConfiguration()
    var planner = IngressPlannerOptions()
    var scope = IngressScope()
    var source = AddressSource.nodes
    var writesStatus = true
    var clearsStatus = true
    var electionID = ""
    /// 0 for nowhere.
    var healthzPort: UInt16 = 0
    var accessLog = AccessLogWriter.Target.standardOutput
    var gracePeriod = Duration.zero
    /// Empty where it is not known, and no zone is preferred.
    var nodeName = ""

    var publishService: ObjectName? { if case .service(let name) = self.source { name } else { nil } }

    var control: IngressControlConfiguration {
        var tls = TLSSettings()
        if self.proxy.limits.http2Streams > 0 { tls.protocols = [.http2, .http1] }
        return IngressControlConfiguration(
            planner: self.planner, tls: self.proxy.secureAddresses.isEmpty ? nil : tls, nodeName: self.nodeName)
    }
}
