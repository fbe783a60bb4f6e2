import KubernetesAPI
import KubernetesWire
import Testing

/// What is sent, against the same written by Kubernetes' own definitions.
@Suite struct WritingTests {
    private static let event = ClusterEvent(
        name: ObjectName(namespace: "shop", name: "web.17a"),
        regarding: ObjectReference(
            ObjectKey(kind: .service, name: ObjectName(namespace: "shop", name: "web")),
            uid: "9a"
        ),
        reason: "FailedToStartServiceHealthcheck",
        action: "StartServiceHealthcheck",
        note: "port 32000 is taken",
        severity: .warning,
        reportingController: "fairlead",
        reportingInstance: "node-1",
        time: MicroTime(microsecondsSince1970: 1_767_225_600_123_456)
    )

    private static let lease = Lease(
        name: ObjectName(namespace: "kube-system", name: "fairlead"),
        resourceVersion: "12",
        uid: "l",
        holderIdentity: "node-1",
        leaseDurationSeconds: 15,
        acquireTime: MicroTime(microsecondsSince1970: 1_767_225_600_123_456),
        renewTime: MicroTime(microsecondsSince1970: 1_767_225_610_000_000)
    )

    /// Behind the magic: type, and content to the end.
    private static func envelope(_ apiVersion: String, _ kind: String, _ content: [UInt8]) -> [UInt8] {
        Array(Wrapped.envelope(apiVersion, kind, content).dropLast(4))
    }

    @Test func anEventIsWritten() throws {
        let expected = Self.envelope("events.k8s.io/v1", "Event", RecordedProtobuf.writtenEvent)
        #expect(try Self.event.encoded(as: .protobuf) == expected)
        let json = String(decoding: try Self.event.encoded(as: .json), as: UTF8.self)
        #expect(json.hasPrefix(#"{"apiVersion":"events.k8s.io/v1","kind":"Event","metadata":{"#))
        #expect(json.contains(#""eventTime":"2026-01-01T00:00:00.123456Z""#))
        #expect(
            json.contains(
                #""regarding":{"kind":"Service","namespace":"shop","name":"web","uid":"9a","apiVersion":"v1"}"#))
        #expect(json.contains(#""note":"port 32000 is taken","type":"Warning"}"#))
    }

    @Test func aLeaseIsWritten() throws {
        let expected = Self.envelope("coordination.k8s.io/v1", "Lease", RecordedProtobuf.writtenLease)
        #expect(try Self.lease.encoded(as: .protobuf) == expected)
    }

    @Test func aLeaseIsRead() throws {
        let body = Wrapped.envelope("coordination.k8s.io/v1", "Lease", RecordedProtobuf.lease)
        var lease = Self.lease
        lease.leaseTransitions = 3
        #expect(try Lease(decoding: body, format: .protobuf) == lease)
        let json = """
            {"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{"name":"fairlead","namespace":"kube-system",\
            "uid":"l","resourceVersion":"12","creationTimestamp":"2026-01-01T00:00:00Z","managedFields":[{}]},"spec":{\
            "holderIdentity":"node-1","leaseDurationSeconds":15,"acquireTime":"2026-01-01T00:00:00.123456Z","renewTime":\
            "2026-01-01T00:00:10.000000Z","leaseTransitions":3}}
            """
        #expect(try Lease(decoding: Array(json.utf8), format: .json) == lease)
    }

    /// The API server refuses a time in JSON with other than six digits behind the point
    /// (apimachinery/pkg/apis/meta/v1/micro_time.go).
    @Test(arguments: [0, 1, 999, 1_000, 120_000, 999_999, 1_000_000, -1_000, -1, 1_767_225_600_000_000])
    func timesHaveSixDigits(microseconds: Int64) throws {
        var lease = Self.lease
        lease.renewTime = MicroTime(microsecondsSince1970: microseconds)
        let json = String(decoding: try lease.encoded(as: .json), as: UTF8.self)
        #expect(json.contains(/"renewTime":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"/), "\(json)")
        for format in WireFormat.allCases {
            let read = try Lease(decoding: lease.encoded(as: format), format: format).renewTime
            let moved = (read?.microsecondsSince1970 ?? .max) - microseconds
            #expect((0...1).contains(moved))
        }
    }
}
