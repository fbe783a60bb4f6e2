import HostCheck
import Testing

@Suite struct ConntrackStatisticsTests {
    @Test func processorsAreAddedUp() {
        let statistics = ConntrackStatistics(
            """
            entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error  expect_new
            0000000a  00000000 00000000 00000000 00000001 00000000 00000000 00000000 00000000 00000000 00000010 00000001 00000000  00000000
            0000000a  00000000 00000000 00000000 00000002 00000000 00000000 00000000 00000000 00000000 0000000f 00000000 00000000  00000000

            """)
        #expect(statistics["drop"] == 31)
        #expect(statistics["early_drop"] == 1)
        #expect(statistics["invalid"] == 3)
        #expect(statistics["search_restart"] == 0)
        #expect(ConntrackStatistics("")["drop"] == 0)
    }
}
