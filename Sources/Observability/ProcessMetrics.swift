internal import Linux

extension MetricRegistry {
    /// What every exporter says of its process, under the names that Prometheus' client libraries have.
    package func registerProcess() {
        self.counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.") {
            ProcessUsage.current()?.cpuSeconds
        }
        self.gauge("process_resident_memory_bytes", "Resident memory size in bytes.") {
            ProcessUsage.current().map { Double($0.residentBytes) }
        }
        self.gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.") {
            ProcessUsage.current().map { Double($0.virtualBytes) }
        }
        self.gauge("process_open_fds", "Number of open file descriptors.") { ProcessUsage.openDescriptors() }
        self.gauge("process_max_fds", "Maximum number of open file descriptors.") { ProcessUsage.descriptorLimit() }
        // The host's start moves when its clock is set: asked once, it stays what it was.
        let start = ProcessUsage.bootTime().flatMap { boot in
            ProcessUsage.current().map { boot + $0.startedAfterBoot }
        }
        self.gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.") { start }
    }
}
