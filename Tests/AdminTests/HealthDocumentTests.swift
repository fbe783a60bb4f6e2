import Linux
import Networking
import Testing

@testable import Admin

/// What kube-proxy 1.36 answers, with its order of fields and its times.
@Suite struct HealthDocumentTests {
    // 2026-11-21T02:45:39Z
    private let updated = WallTime(seconds: 1_795_229_139, nanoseconds: 120_000_000)
    private let now = WallTime(seconds: 1_795_229_149, nanoseconds: 5)

    private func document(
        updated: Bool = true, eligible: Bool? = true, healthy: Bool = true,
        families: [AddressFamily] = AddressFamily.allCases
    ) -> HealthDocument {
        HealthDocument(
            lastUpdated: updated ? self.updated : nil, currentTime: self.now, isNodeEligible: eligible,
            isHealthy: healthy, families: families)
    }

    @Test func allIsWell() {
        let answer = self.document().answer
        #expect(
            answer
                == .json(
                    #"{"lastUpdated":"2026-11-21T02:45:49.000000005Z","currentTime":"2026-11-21T02:45:49.000000005Z","#
                        + #""nodeEligible":true,"healthy":true,"status":{"#
                        + #""IPv4":{"lastUpdated":"2026-11-21T02:45:39.12Z","healthy":true},"#
                        + #""IPv6":{"lastUpdated":"2026-11-21T02:45:39.12Z","healthy":true}}}"#))
        #expect(answer.fields.map(\.name) == ["Content-Type", "X-Content-Type-Options"])
        #expect(answer.fields.map(\.value) == ["application/json", "nosniff"])
    }

    @Test func forLivezTheNodeDoesNotCount() {
        let answer = self.document(eligible: nil, families: [.ipv4]).answer
        #expect(answer.status == .ok)
        #expect(
            answer.body
                == #"{"lastUpdated":"2026-11-21T02:45:49.000000005Z","currentTime":"2026-11-21T02:45:49.000000005Z","#
                + #""healthy":true,"status":{"IPv4":{"lastUpdated":"2026-11-21T02:45:39.12Z","healthy":true}}}"#)
    }

    @Test func whatIsNotInForceForTooLong() {
        let answer = self.document(healthy: false).answer
        #expect(answer.status == .serviceUnavailable)
        #expect(
            answer.body
                == #"{"lastUpdated":"2026-11-21T02:45:39.12Z","currentTime":"2026-11-21T02:45:49.000000005Z","#
                + #""nodeEligible":true,"healthy":false,"status":{"#
                + #""IPv4":{"lastUpdated":"2026-11-21T02:45:39.12Z","healthy":false},"#
                + #""IPv6":{"lastUpdated":"2026-11-21T02:45:39.12Z","healthy":false}}}"#)
    }

    /// The proxy itself is well, and says so.
    @Test func aNodeThatIsNotEligible() {
        let answer = self.document(eligible: false, families: [.ipv6]).answer
        #expect(answer.status == .serviceUnavailable)
        #expect(
            answer.body
                == #"{"lastUpdated":"2026-11-21T02:45:39.12Z","currentTime":"2026-11-21T02:45:49.000000005Z","#
                + #""nodeEligible":false,"healthy":true,"status":{"#
                + #""IPv6":{"lastUpdated":"2026-11-21T02:45:39.12Z","healthy":true}}}"#)
    }

    @Test func beforeAnythingIsInForce() {
        let answer = self.document(updated: false, healthy: false, families: []).answer
        #expect(
            answer.body
                == #"{"lastUpdated":"0001-01-01T00:00:00Z","currentTime":"2026-11-21T02:45:49.000000005Z","#
                + #""nodeEligible":true,"healthy":false}"#)
    }

    /// Of no client of kube-proxy's: it is behind all that those read.
    @Test func whoServesInTheKernelsStead() {
        var document = self.document(families: [.ipv4])
        document.fallbackReason = "table inet fairlead: \"owned\""
        #expect(document.answer.status == .ok)
        #expect(
            document.answer.body.hasSuffix(
                #""healthy":true}},"dataplane":{"mode":"userspace","reason":"table inet fairlead: \"owned\""}}"#))
    }
}
