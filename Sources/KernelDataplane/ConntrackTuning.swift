internal import Linux
internal import Logging

/// Puts the kernel's settings of connection tracking into force. What cannot be set is said, and the
/// rest set: in a container they are often read-only.
struct ConntrackTuning {
    private let settings: ConntrackSettings
    private let logger: Logger

    init(_ settings: ConntrackSettings, logger: Logger) {
        self.settings = settings
        self.logger = logger
    }

    /// Whether everything is as it should be now.
    @discardableResult
    func apply() -> Bool {
        var isComplete = true
        for setting in self.settings.settings(cores: HostSystem.coreCount) {
            guard let text = HostSystem.setting(setting.name), let current = Int(text) else {
                self.logger.warning("no such kernel setting", metadata: ["setting": "\(setting.name)"])
                isComplete = false
                continue
            }
            guard setting.needsChange(from: current) else { continue }
            do throws(SystemError) {
                try HostSystem.set(setting.name, to: "\(setting.value)")
                self.logger.notice(
                    "kernel setting changed",
                    metadata: ["setting": "\(setting.name)", "from": "\(current)", "to": "\(setting.value)"])
                if setting.rule == .atLeast { self.enlargeHashTable(for: setting.value) }
            } catch {
                isComplete = false
                self.logger.warning(
                    "kernel setting cannot be changed",
                    metadata: [
                        "setting": "\(setting.name)", "is": "\(current)", "reason": "\(error)",
                        "mend": "sysctl -w \(setting.name)=\(setting.value)",
                    ])
            }
        }
        return isComplete
    }

    /// Chains of the hash table are short as long as it has a quarter as many buckets as entries.
    private func enlargeHashTable(for entries: Int) {
        guard let text = HostSystem.connectionBuckets, let buckets = Int(text), buckets < entries / 4 else { return }
        do throws(SystemError) {
            try HostSystem.setConnectionBuckets("\(entries / 4)")
        } catch {
            self.logger.warning("the connection table cannot be enlarged", metadata: ["reason": "\(error)"])
        }
    }
}
