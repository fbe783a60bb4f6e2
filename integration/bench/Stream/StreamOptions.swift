/// `fairlead-bench --stream ...`.
enum StreamOptions {
    static let usage = """
        usage: fairlead-bench --stream --fairlead PROGRAM [--report FILE]
                              [--rounds N] [--seconds N] [--only a,b,...] [--without NAME,...] [--profile]
          --rounds   of every measure, all proxies in turn (default 3)
          --seconds  of load in each (default 3)
          --only     a bulk, b exchanges of 4 KiB, c new connections, d exchanges of 64 bytes, e UDP,
                     f idle connections
          --without  fairlead, nginx, haproxy
          --profile  instead of measuring: where Fairlead spends its time, by perf, in the first of the measures
                     a to e that --only names; without it in a

        """

    private static let letters: Set<String> = ["a", "b", "c", "d", "e", "f"]

    static func parse(_ arguments: some Sequence<String>) -> SideBySideOptions? {
        SideBySideOptions(arguments, letters: self.letters, proxies: [.fairlead, .nginx, .haproxy])
    }
}
