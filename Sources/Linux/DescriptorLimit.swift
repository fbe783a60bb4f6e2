internal import Glibc

/// How many descriptors this process may have (`RLIMIT_NOFILE`, setrlimit(2)).
package enum DescriptorLimit {
    /// Raises the limit in force to the highest one that may be had without a privilege. Programs that were written for
    /// select(2) need it low; nothing here does.
    ///
    /// - Returns: what it is then.
    package static func raise() -> Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        if limit.rlim_cur < limit.rlim_max {
            var wanted = limit
            wanted.rlim_cur = limit.rlim_max
            if unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &wanted) == 0 { limit = wanted }
        }
        return Int(clamping: limit.rlim_cur)
    }
}
