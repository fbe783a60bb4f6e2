import KernelDataplane
import Testing

@Suite struct ConntrackSettingsTests {
    private func values(_ settings: ConntrackSettings, cores: Int = 1) -> [String: Int] {
        let prefix = "net.netfilter.nf_conntrack_"
        return Dictionary(
            uniqueKeysWithValues: settings.settings(cores: cores).map { setting in
                #expect(setting.name.hasPrefix(prefix))
                return (String(setting.name.dropFirst(prefix.count)), setting.value)
            })
    }

    @Test("D10: what is set unless something else is said")
    func defaults() {
        #expect(
            self.values(ConntrackSettings(), cores: 8) == [
                "max": 262_144, "tcp_timeout_established": 86_400, "tcp_timeout_close_wait": 3600, "tcp_be_liberal": 1,
            ])
    }

    @Test(
        "D10: nf_conntrack_max is min(1048576, perCore x cores), and at least the minimum",
        arguments: [
            (32_768, 131_072, 1, 131_072), (32_768, 131_072, 4, 131_072), (32_768, 131_072, 5, 163_840),
            (32_768, 131_072, 32, 1_048_576), (32_768, 131_072, 64, 1_048_576), (100, 0, 2, 200),
            // The bound is on what is computed only.
            (32_768, 2_000_000, 64, 2_000_000),
        ])
    func maximum(perCore: Int, minimum: Int, cores: Int, expected: Int) {
        var settings = ConntrackSettings()
        settings.maximumPerCore = perCore
        settings.minimum = minimum
        #expect(self.values(settings, cores: cores)["max"] == expected)
    }

    @Test("D10: 0 leaves a setting alone")
    func zeroLeavesAlone() {
        var settings = ConntrackSettings()
        settings.maximumPerCore = 0
        settings.tcpEstablishedTimeout = 0
        settings.tcpCloseWaitTimeout = 0
        settings.tcpIsLiberal = false
        #expect(settings.settings(cores: 8).isEmpty)
    }

    @Test("D10: timeouts of UDP are set only if they are said")
    func udpTimeouts() {
        var settings = ConntrackSettings()
        settings.udpTimeout = 10
        settings.udpStreamTimeout = 200
        let values = self.values(settings)
        #expect(values["udp_timeout"] == 10)
        #expect(values["udp_timeout_stream"] == 200)
    }

    @Test("D10: the limit is only ever raised, everything else is set as said")
    func changes() throws {
        for setting in ConntrackSettings().settings(cores: 8) {
            #expect(setting.needsChange(from: setting.value - 1))
            #expect(!setting.needsChange(from: setting.value))
            #expect(setting.needsChange(from: setting.value + 1) == !setting.name.hasSuffix("_max"))
        }
    }
}
