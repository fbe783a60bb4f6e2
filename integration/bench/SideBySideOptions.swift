import Lab

/// What to measure, beside what: the options that benchmarks beside other proxies have in common.
struct SideBySideOptions {
    var fairlead: String?
    var envoy = "envoy"
    var report: String?
    var rounds = 3
    var seconds = 3
    /// At a fixed load, of the shortest kind.
    var latencyRounds = 90
    /// By their letters.
    private(set) var measures: Set<String>
    private(set) var without: Set<Proxy> = []
    private(set) var isProfile = false
    private let all: [Proxy]

    /// nil if they make no sense. `letters` and `proxies` are all that there are.
    init?(_ arguments: some Sequence<String>, letters: Set<String>, proxies: [Proxy]) {
        self.measures = letters
        self.all = proxies
        var arguments = Array(arguments)[...]
        while let argument = arguments.popFirst() {
            if argument == "--profile" {
                self.isProfile = true
                continue
            }
            guard let value = arguments.popFirst() else { return nil }
            switch argument {
            case "--fairlead": self.fairlead = value
            case "--envoy" where proxies.contains(.envoy): self.envoy = value
            case "--report": self.report = value
            case "--rounds", "--seconds", "--latency-rounds":
                guard let number = Int(value), (1...1000).contains(number) else { return nil }
                switch argument {
                case "--rounds": self.rounds = number
                case "--seconds": self.seconds = number
                default: self.latencyRounds = number
                }
            case "--only":
                let chosen = Set(value.split(separator: ",").map(String.init))
                guard chosen.isSubset(of: letters), !chosen.isEmpty else { return nil }
                self.measures = chosen
            case "--without":
                let named = value.split(separator: ",").map { Proxy(rawValue: String($0)) }
                guard named.allSatisfy({ $0.map(proxies.contains) ?? false }) else { return nil }
                self.without = Set(named.compactMap { $0 })
            default: return nil
            }
        }
    }

    var proxies: [Proxy] { self.all.filter { !self.without.contains($0) } }

    /// Whether a proxy is started at all: a profile is of Fairlead.
    func isNeeded(_ proxy: Proxy) -> Bool { self.isProfile ? proxy == .fairlead : self.proxies.contains(proxy) }
}
