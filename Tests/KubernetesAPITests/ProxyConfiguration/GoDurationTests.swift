import KubernetesAPI
import Testing

@Suite struct GoDurationTests {
    @Test(
        arguments: [
            ("0", 0, "0s"), ("0s", 0, "0s"), ("5s", 5_000_000_000, "5s"), ("1h30m", 5_400_000_000_000, "1h30m0s"),
            ("15m0s", 900_000_000_000, "15m0s"), ("1.5s", 1_500_000_000, "1.5s"), (".5m", 30_000_000_000, "30s"),
            ("1.m", 60_000_000_000, "1m0s"), ("250ms", 250_000_000, "250ms"), ("1us", 1_000, "1\u{b5}s"),
            ("1\u{b5}s", 1_000, "1\u{b5}s"), ("1\u{3bc}s", 1_000, "1\u{b5}s"), ("7ns", 7, "7ns"),
            ("-1m", -60_000_000_000, "-1m0s"),
            ("+2s", 2_000_000_000, "2s"), ("24h0m0s", 86_400_000_000_000, "24h0m0s"),
            ("1h0m0.000000001s", 3_600_000_000_001, "1h0m0.000000001s"), ("1.00000000099s", 1_000_000_000, "1s"),
            ("2562047h47m16.854775807s", Int64.max, "2562047h47m16.854775807s"), ("1m1ms", 60_001_000_000, "1m0.001s"),
        ] as [(String, Int64, String)])
    func `as Go reads and writes it`(text: String, nanoseconds: Int64, written: String) {
        let duration = GoDuration(text)
        #expect(duration?.nanoseconds == nanoseconds)
        #expect(duration?.description == written)
        #expect(GoDuration(written) == duration)
    }

    @Test(arguments: [
        "", "5", "s", "-", "+", "1 s", "1d", "1.2.3s", ".s", "1e3s", "5S", "9223372036854775808ns", "2562048h",
        "\u{661}s",
        "1s ", "--1s", "99999999999999999999s",
    ])
    func `what Go refuses is refused`(text: String) {
        #expect(GoDuration(text) == nil)
    }
}
