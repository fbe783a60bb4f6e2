import KubernetesAPI
import KubernetesWire
import Networking
import Testing

/// What a newer or an older API server may send, and one that was told to skip validation.
@Suite struct LenienceTests {
    private static func service(_ spec: String, status: String = "{}") throws -> (Service, [String]) {
        let text = #"{"metadata":{"name":"web","namespace":"shop"},"spec":\#(spec),"status":\#(status)}"#
        let decoded = try DecodedObject(decoding: Array(text.utf8), kind: .service, format: .json)
        guard case .service(let service) = decoded.object else { throw Unexpected(decoded) }
        return (service, decoded.notes)
    }

    private static func slice(_ fields: String) throws -> (EndpointSlice, [String]) {
        let text = #"{"metadata":{"name":"web-1","namespace":"shop"},\#(fields)}"#
        let decoded = try DecodedObject(decoding: Array(text.utf8), kind: .endpointSlice, format: .json)
        guard case .endpointSlice(let slice) = decoded.object else { throw Unexpected(decoded) }
        return (slice, decoded.notes)
    }

    private struct Unexpected: Error {
        let decoded: DecodedObject
        init(_ decoded: DecodedObject) { self.decoded = decoded }
    }

    @Test func aServiceTypeOfTheFutureIsServedByItsFields() throws {
        let (service, notes) = try Self.service(
            #"{"type":"Mesh","clusterIP":"10.96.0.1","ports":[{"port":80,"nodePort":30080}],"newField":{"a":[1]}}"#
        )
        #expect(service.type == .clusterIP)
        #expect(service.clusterIPs == [IPAddress(10, 96, 0, 1)])
        #expect(service.ports == [ServicePort(port: 80, nodePort: 30_080)])
        #expect(notes == [#"spec.type: is not known: "Mesh", taken as ClusterIP"#])
    }

    @Test func policiesOfTheFutureAreCluster() throws {
        let (service, notes) = try Self.service(
            #"{"externalTrafficPolicy":"Zone","internalTrafficPolicy":"Zone","sessionAffinity":"Cookie"}"#
        )
        #expect(service.externalTrafficPolicy == .cluster)
        #expect(service.internalTrafficPolicy == .cluster)
        #expect(service.sessionAffinity == .none)
        #expect(notes.count == 3)
    }

    @Test func oneBadAddressLeavesTheOthers() throws {
        let (service, notes) = try Self.service(
            #"{"clusterIPs":["10.96.0.001","x"],"externalIPs":["127.0.0.1"," 203.0.113.9 ","",null]}"#
                .replacing(",null", with: "")
        )
        #expect(service.clusterIPs == [IPAddress(10, 96, 0, 1)])
        #expect(service.externalIPs == [IPAddress(203, 0, 113, 9)])
        #expect(
            notes == [
                #"spec.clusterIPs[1]: must be an IP address, not "x""#,
                "spec.externalIPs[0]: must not be a loopback address: 127.0.0.1",
                #"spec.externalIPs[2]: must be an IP address, not """#,
            ]
        )
    }

    @Test func aPortThatCannotBeServedIsLeftOut() throws {
        let (service, notes) = try Self.service(
            """
            {"ports":[{"name":"a","port":80},{"name":"q","protocol":"QUIC","port":443},{"name":"b","port":0},
            {"name":"c","port":70000},{"name":"d","port":81,"nodePort":-1},{"name":"a","port":82},
            {"name":"e","port":80,"protocol":"UDP"},{"name":"f","port":80}]}
            """
        )
        #expect(service.ports.map(\.name) == ["a", "d", "e"])
        #expect(service.ports.map(\.nodePort) == [nil, nil, nil])
        #expect(
            notes == [
                #"spec.ports[1].protocol: is not served: "QUIC""#,
                "spec.ports[2].port: is required",
                "spec.ports[3].port: must be between 1 and 65535, not 70000",
                "spec.ports[4].nodePort: must be between 1 and 65535, not -1",
                "spec.ports[5]: is left out: another port has its number, or its name, for tcp",
                "spec.ports[7]: is left out: another port has its number, or its name, for tcp",
            ]
        )
    }

    @Test(arguments: [
        (#"["bad"]"#, ["0.0.0.0/32"]),
        (#"["b:ad"]"#, ["::/128"]),
        (#"["bad", "198.51.100.0/24"]"#, ["198.51.100.0/24"]),
        (#"["bad", "2001:db8::/32"]"#, ["2001:db8::/32", "0.0.0.0/32"]),
        (#"["203.0.113.000/025", " 198.51.100.7/24"]"#, ["203.0.113.0/25", "198.51.100.0/24"]),
        ("[]", []),
    ])
    func aBadSourceRangeNeverLetsEverybodyIn(ranges: String, blocks: [String]) throws {
        let (service, notes) = try Self.service(#"{"type":"LoadBalancer","loadBalancerSourceRanges":\#(ranges)}"#)
        #expect(service.loadBalancerSourceRanges.map(\.description) == blocks)
        #expect(notes.count == (ranges.contains("ad") ? 1 : 0))
    }

    @Test func addressesOfALoadBalancerThatIsNoneAnyMoreStay() throws {
        let (service, notes) = try Self.service(
            #"{"type":"ClusterIP","healthCheckNodePort":32000}"#,
            status: """
                {"loadBalancer":{"ingress":[{"ip":"192.0.2.1","ipMode":"Beam"},{"ip":"192.0.2.1"},{"ip":"0.0.0.0"},
                {"hostname":"lb"},{"ip":"192.0.2.2","ipMode":"Proxy"}]}}
                """
        )
        #expect(service.loadBalancerIPs == [IPAddress(192, 0, 2, 1)])
        #expect(service.healthCheckNodePort == nil)
        #expect(
            notes == [
                #"status.loadBalancer.ingress[0].ipMode: is not known: "Beam", taken as VIP"#,
                "status.loadBalancer.ingress[2].ip: must not be the unspecified address: 0.0.0.0",
            ]
        )
    }

    @Test(arguments: [
        (#"{"sessionAffinity":"ClientIP"}"#, 10_800, 0),
        (#"{"sessionAffinity":"ClientIP","sessionAffinityConfig":{"clientIP":{}}}"#, 10_800, 0),
        (#"{"sessionAffinity":"ClientIP","sessionAffinityConfig":{"clientIP":{"timeoutSeconds":0}}}"#, 1, 1),
        (#"{"sessionAffinity":"ClientIP","sessionAffinityConfig":{"clientIP":{"timeoutSeconds":100000}}}"#, 86_400, 1),
    ])
    func affinityHasATimeoutInRange(spec: String, timeout: Int, noteCount: Int) throws {
        let (service, notes) = try Self.service(spec)
        #expect(service.sessionAffinity == .clientIP(timeoutSeconds: timeout))
        #expect(notes.count == noteCount)
    }

    @Test(arguments: [#"{"clusterIP":"None"}"#, #"{"clusterIPs":["None"]}"#])
    func noneIsHeadless(spec: String) throws {
        let (service, notes) = try Self.service(spec)
        #expect(service.isHeadless && service.clusterIPs.isEmpty && notes.isEmpty)
    }

    @Test func anAddressTypeOfTheFutureHasNoEndpoints() throws {
        let (slice, notes) = try Self.slice(#""addressType":"IPv8","endpoints":[{"addresses":["1.2.3.4"]}]"#)
        #expect(slice.family == nil && slice.endpoints.isEmpty)
        #expect(notes == [#"addressType: is not known: "IPv8", no endpoint is used"#])
    }

    @Test func namesAreNoAddresses() throws {
        let (slice, notes) = try Self.slice(
            #""addressType":"FQDN","endpoints":[{"addresses":["a.example"]}],"ports":[{"port":80}]"#
        )
        #expect(slice.family == nil && slice.endpoints.isEmpty && slice.ports == [EndpointPort(port: 80)])
        #expect(notes.isEmpty)
    }

    @Test func anEndpointIsItsFirstUsableAddress() throws {
        let (slice, notes) = try Self.slice(
            """
            "addressType":"IPv4","endpoints":[{"addresses":["fd00::1","10.0.0.1"],"nodeName":"","hints":{"forZones":
            [{"name":"a"},{"name":""},{"name":"a"}]}},{"addresses":[]},{"addresses":["169.254.1.1"]},
            {"addresses":["127.0.0.1"]}]
            """
        )
        #expect(slice.endpoints.map(\.address.description) == ["10.0.0.1", "127.0.0.1"])
        #expect(slice.endpoints.first?.zoneHints == ["a"])
        #expect(slice.endpoints.first?.nodeName == nil)
        #expect(
            notes == [
                "endpoints[0].addresses[0]: must be of the slice's addressType: fd00::1",
                "endpoints[2].addresses[0]: must not be a link-local address: 169.254.1.1",
            ]
        )
    }

    @Test func aThirdBlockIsLeftOut() throws {
        let text = #"{"metadata":{"name":"a"},"spec":{"cidrs":["10.0.0.0/8","x","11.0.0.0/8","fd00::/64"]}}"#
        let decoded = try DecodedObject(decoding: Array(text.utf8), kind: .serviceCIDR, format: .json)
        guard case .serviceCIDR(let block) = decoded.object else { throw Unexpected(decoded) }
        #expect(block.cidrs.map(\.description) == ["10.0.0.0/8", "fd00::/64"])
        #expect(decoded.notes.count == 2)
    }
}
