import KubernetesAPI
import Testing

/// RFC 3339, as Go's time package writes and reads it.
@Suite struct TimestampTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-01-31T12:00:00Z", 1_769_860_800_000_000_000),
        ("2026-01-31T12:00:00.5Z", 1_769_860_800_500_000_000),
        ("2026-01-31T13:00:00.000000001+01:00", 1_769_860_800_000_000_001),
        ("2026-01-31T12:00:00.1234567899Z", 1_769_860_800_123_456_789),
        ("1969-12-31T23:59:59.75Z", -250_000_000),
        ("2262-01-01T00:00:00Z", 9_214_646_400_000_000_000),
        ("2263-01-01T00:00:00Z", nil),
        ("0001-01-01T00:00:00Z", nil),
        ("2026-01-31T12:00:00.Z", nil),
        ("2026-01-31", nil),
        ("", nil),
    ])
    func nanosecondsAreRead(text: String, nanoseconds: Int64?) {
        #expect(Timestamp.unixNanoseconds(text) == nanoseconds)
    }

    @Test func secondsReachFurther() {
        #expect(Timestamp.unixSeconds("0001-01-01T00:00:00Z") == -62_135_596_800)
        #expect(Timestamp.unixSeconds("2026-01-31T12:00:00.999Z") == 1_769_860_800)
    }

    @Test func aSliceKnowsWhenItsChangeBegan() {
        let annotation = "metadata: {name: web-1, annotations: {endpoints.kubernetes.io/last-change-trigger-time: "
        func slice(_ time: String) -> EndpointSlice? {
            let head = "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\n"
            return Manifests.firstSlice("\(head)\(annotation)\"\(time)\"}}\n")
        }
        #expect(slice("2026-01-31T12:00:00.5Z")?.lastChangeTriggerTime == 1_769_860_800_500_000_000)
        // Only a measurement is lost.
        #expect(slice("yesterday")?.lastChangeTriggerTime == nil)
        #expect(slice("2026-01-31T12:00:00Z")?.metadata.annotations == [:])
    }
}

@Suite struct StringPoolTests {
    @Test func stringsAreGivenBackWhateverThePoolHolds() {
        var pool = StringPool()
        for number in 0..<StringPool.maximumCount + 10 {
            let name = "node-with-a-long-name-\(number)"
            guard pool.shared(name) == name else { return #expect(Bool(false), "\(name)") }
        }
        #expect(pool.shared("short") == "short")
    }
}
