internal import Glibc
internal import KubernetesAPI
internal import Linux
internal import Logging

/// The shell around ``PendingFiles`` and ``ManifestDirectory``: asks the kernel what happened, reads
/// the files they name, submits what changed. Lives on one thread.
struct ManifestFollower {
    private let path: String
    private let kinds: Set<ObjectKind>
    private let queue: ChangeQueue
    private let limits: ManifestLimits
    private let logger: Logger
    private var directory = ManifestDirectory()
    private var pending = PendingFiles()
    /// nil while the directory is gone.
    private var inotify: Inotify?
    /// The directory that inotify follows.
    private var followed: FileStatus
    /// The path is a symbolic link. It may come to lead elsewhere, of which the directory it led to
    /// hears nothing.
    private let isLink: Bool
    /// The version of each file that was read last.
    private var versions: [String: FileStatus] = [:]
    /// The files that are symbolic links: what they lead to may change without an event of theirs.
    private var links: Set<String> = []
    private var outcome = ManifestDirectory.Outcome()

    /// Reads the whole directory and submits it.
    init(
        directory: String,
        kinds: Set<ObjectKind>,
        queue: ChangeQueue,
        limits: ManifestLimits,
        logger: Logger
    ) throws(SystemError) {
        // With a slash at its end a link would be taken for what it leads to.
        var directory = directory
        while directory.count > 1, directory.last == "/" { directory.removeLast() }
        // Which directory it is, before it is followed: if a link moves in between, the difference shows
        // later. Followed before it is listed, so that nothing that happens meanwhile is missed.
        let followed = try FileStatus(directory)
        let inotify = try Inotify()
        try inotify.follow(directory: directory, PendingFiles.mask)
        let isLink = try FileStatus(directory, followsLinks: false).kind == .symbolicLink
        self.path = directory
        self.kinds = kinds
        self.queue = queue
        self.limits = limits
        self.logger = logger
        self.followed = followed
        self.isLink = isLink
        self.inotify = inotify
        try self.markAll()
        try self.readPending()
        self.deliver()
        queue.markSynced()
        logger.info("manifests read", metadata: ["directory": "\(directory)", "files": "\(self.versions.count)"])
    }

    /// What to wait for.
    var descriptors: [Int32] {
        self.inotify.map { [$0.number] } ?? []
    }

    /// How long to wait for it: for ever, or until it is worth looking whether the directory is back.
    var timeout: Duration? {
        if self.pending.hasWork { return .zero }
        return self.inotify == nil || self.isLink ? .seconds(1) : nil
    }

    /// Does what has come up.
    mutating func step() throws(SystemError) {
        if self.isLink, let now = try? FileStatus(self.path), !now.isSameFile(as: self.followed) { self.inotify = nil }
        if self.inotify == nil {
            guard try self.reopen() else { return }
        }
        try self.noteEvents()
        while self.pending.hasWork, !self.pending.isDirectoryGone { try self.readPending() }
        self.deliver()
        if self.pending.isDirectoryGone {
            self.inotify = nil
            self.pending = PendingFiles()
            self.logger.error(
                "manifest directory is gone; its last state stays until it is back",
                metadata: ["directory": "\(self.path)"]
            )
        }
    }

    private mutating func noteEvents() throws(SystemError) {
        guard let events = try self.inotify?.events() else { return }
        self.pending.note(events)
    }

    /// Whether the directory is back.
    private mutating func reopen() throws(SystemError) -> Bool {
        do throws(SystemError) {
            self.followed = try FileStatus(self.path)
            let inotify = try Inotify()
            try inotify.follow(directory: self.path, PendingFiles.mask)
            self.inotify = inotify
            try self.markAll()
        } catch {
            self.inotify = nil
            return false
        }
        self.logger.notice("manifest directory is there again", metadata: ["directory": "\(self.path)"])
        return true
    }

    // MARK: Looking

    /// Marks every file that is new, changed or gone since it was read.
    private mutating func markAll() throws(SystemError) {
        let names = try FileStatus.names(inDirectory: self.path).filter(PendingFiles.isManifest)
        for name in names { self.markIfChanged(name) }
        for name in self.directory.fileNames.subtracting(names).sorted() { self.drop(name) }
    }

    private mutating func markIfChanged(_ name: String) {
        let version = try? FileStatus(self.path(of: name))
        if version == nil || version != self.versions[name] { self.pending.markChanged(name) }
    }

    private func path(of name: String) -> String { "\(self.path)/\(name)" }

    /// Finds out what the events did not say, then reads and drops what they name.
    private mutating func readPending() throws(SystemError) {
        if self.pending.needsRescan {
            self.logger.warning(
                "inotify lost events; all files are read again", metadata: ["directory": "\(self.path)"])
            self.versions = [:]
            do throws(SystemError) {
                try self.markAll()
            } catch {
                // The events of its going follow.
                self.logger.warning("manifest directory not listed", metadata: ["reason": "\(error)"])
            }
        }
        if self.pending.needsLinkCheck {
            for name in self.links.sorted() { self.markIfChanged(name) }
        }
        for name in self.pending.appeared.sorted() {
            // A link or a pipe has no writer here that could close it; any other new file has.
            guard let entry = try? FileStatus(self.path(of: name), followsLinks: false) else { continue }
            let hasNoWriter = entry.kind == .symbolicLink || entry.kind == .other || entry.linkCount > 1
            if hasNoWriter { self.pending.markChanged(name) }
        }
        let (changed, gone) = self.pending.take()
        for name in gone { self.drop(name) }
        for name in changed { try self.read(name) }
    }

    // MARK: Reading

    private mutating func drop(_ name: String) {
        self.versions[name] = nil
        self.links.remove(name)
        self.collect(self.directory.removed(name))
    }

    private mutating func read(_ name: String) throws(SystemError) {
        let path = self.path(of: name)
        // Not there at all: it went after its event, as another event says.
        guard let entry = try? FileStatus(path, followsLinks: false) else { return self.drop(name) }
        if entry.kind == .symbolicLink { self.links.insert(name) } else { self.links.remove(name) }
        let limit = self.limits.maximumFileSize
        do throws(SystemError) {
            switch try ManifestFile.read(path, limit: limit) {
            case .directory:
                return
            case .special:
                self.refuse(name, ManifestFile.notRegular)
            case .content(let bytes, let version):
                try self.noteEvents()
                // Written again meanwhile: these bytes may be half of something. Its close brings us back.
                guard !self.pending.isTouched(name) else { return }
                self.versions[name] = version
                let content = ManifestDecoder.decode(bytes, file: name, kinds: self.kinds, limits: self.limits)
                self.collect(self.directory.read(content, of: name))
            }
        } catch {
            self.versions[name] = nil
            self.refuse(name, ManifestFile.reason(error, limit: limit))
        }
    }

    private mutating func refuse(_ name: String, _ reason: String) {
        let problem = ManifestProblem(file: name, line: 1, reason: reason)
        self.collect(self.directory.read(ManifestFileContent(problems: [problem], isBroken: true), of: name))
    }

    private mutating func collect(_ outcome: ManifestDirectory.Outcome) {
        self.outcome.changes += outcome.changes
        self.outcome.problems += outcome.problems
    }

    /// Submits all changes at once, then tells of the problems: logging must not hold up a change.
    private mutating func deliver() {
        self.queue.submit(self.outcome.changes)
        for problem in self.outcome.problems { self.log(problem) }
        self.outcome = .init()
    }

    private func log(_ problem: ManifestProblem) {
        var metadata: Logger.Metadata = [
            "file": "\(self.path(of: problem.file))", "line": "\(problem.line)", "reason": "\(problem.reason)",
        ]
        if let object = problem.object { metadata["object"] = "\(object)" }
        switch problem.severity {
        case .note: self.logger.info("manifest note", metadata: metadata)
        case .warning: self.logger.warning("manifest warning", metadata: metadata)
        case .error: self.logger.error("manifest error", metadata: metadata)
        }
    }
}
