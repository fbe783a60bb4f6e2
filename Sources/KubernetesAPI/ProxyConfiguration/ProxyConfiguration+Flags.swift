/// A flag as it was given, without its dashes.
package struct GivenFlag: Hashable, Sendable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// As it is written: `-v` and `--cluster-cidr`.
    package var option: String { self.name.count == 1 ? "-\(self.name)" : "--\(self.name)" }
}

/// A flag that is wrong.
package struct FlagError: Error, Hashable, Sendable, CustomStringConvertible {
    /// `--cluster-cidr`.
    package let option: String
    package let reason: String

    package var description: String { "\(self.option): \(self.reason)" }
}

extension ProxyConfiguration {
    /// Where flags begin from when there is no file: kube-proxy's defaults in nftables mode.
    package static let ofNoFile: ProxyConfiguration = {
        var configuration = ProxyConfiguration()
        configuration.mode = .nftables
        return configuration
    }()

    /// Those that count beside a file too: `--hostname-override` and the log's, as in kube-proxy
    /// (cmd/kube-proxy/app/options.go); liberal tracking, of which files do not say whether it was chosen.
    private static let stronger: Set<String> = ["hostname-override", "v", "conntrack-tcp-be-liberal"]

    /// Takes over flags, on top of what a file says if there is one.
    ///
    /// - Parameter hasFile: whether this came from a file. Then most flags count for nothing.
    /// - Returns: the flags that count for nothing because of the file.
    package mutating func apply(_ flags: [GivenFlag], hasFile: Bool) throws(FlagError) -> [GivenFlag] {
        var ignored: [GivenFlag] = []
        // The mode first: it decides which section others go to.
        for flag in flags.filter({ $0.name == "proxy-mode" }) + flags.filter({ $0.name != "proxy-mode" }) {
            // Read also where it is ignored: a typing error is not worth hiding.
            var changed = self
            try changed.set(flag)
            if hasFile, !Self.stronger.contains(flag.name) { ignored.append(flag) } else { self = changed }
        }
        if !hasFile, let conflict = self.conflicts.first {
            throw FlagError(option: Self.option(ofPath: conflict.paths[0]), reason: conflict.reason)
        }
        return ignored
    }

    private mutating func set(_ flag: GivenFlag) throws(FlagError) {
        do throws(ConfigurationValueError) {
            switch flag.name {
            case "hostname-override":
                let name = FieldRules.trimmed(flag.value).lowercased()
                guard !name.isEmpty else { throw ConfigurationValueError("must not be empty") }
                self.hostnameOverride = name
            case "masquerade-all":
                let value = try Bool(parsing: flag.value)
                self.iptables.masqueradeAll = value
                self.nftables.masqueradeAll = value
            case "iptables-sync-period":
                // Despite the name also that of nftables mode; not that of ipvs mode.
                let period = try Self.period(flag.value)
                self.iptables.syncPeriod = period
                self.nftables.syncPeriod = period
            case "iptables-min-sync-period":
                let period = try Self.period(flag.value)
                self.iptables.minSyncPeriod = period
                self.nftables.minSyncPeriod = period
            default:
                try ProxyConfigurationField.field(ofFlag: flag.name)?.parse(flag.value, &self)
            }
        } catch {
            throw FlagError(option: flag.option, reason: error.reason)
        }
    }

    private static func period(_ text: String) throws(ConfigurationValueError) -> GoDuration {
        let period = try GoDuration(parsing: text)
        if let reason = ConfigurationRule.notNegative(period) { throw ConfigurationValueError(reason) }
        return period
    }

    /// How a field is called on the command line.
    private static func option(ofPath path: String) -> String {
        switch path {
        case "iptables.minSyncPeriod", "nftables.minSyncPeriod": return "--iptables-min-sync-period"
        default:
            let field = ProxyConfigurationField.all.first { $0.path == path }
            return field?.flag.map { "--\($0)" } ?? path
        }
    }
}

// MARK: - What was asked for in vain

extension ProxyConfiguration {
    /// What has no meaning here and is set to something else than its default, feature gates included: by the
    /// names that fields have in a file, or that flags have.
    package func settingsInVain(asFlags: Bool) -> [String] {
        let fields = ProxyConfigurationField.all.filter { $0.isInVain(in: self) }.map(\.path)
        let gates = self.featureGates.switches.keys.filter { $0 != FeatureGates.externalIPs }.sorted()
        guard asFlags else { return fields + gates.map { "featureGates.\($0)" } }
        return (fields.map(Self.option(ofPath:)) + gates.map { "--feature-gates \($0)" }).unique
    }
}

extension ProxyConfiguration {
    /// A flag of Go's kind; nil if it is neither true nor false.
    package static func boolean(_ text: String) -> Bool? { try? Bool(parsing: text) }
}
