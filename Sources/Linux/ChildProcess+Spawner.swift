internal import CLinux
internal import Glibc
import Synchronization

// posix_spawn(3) and the thread that calls it. The unsafe part is the C vectors: their strings are
// duplicated for one call and freed after it.

/// What to start, with the descriptors that become its standard output and error; nil inherits ours.
struct SpawnPlan: Sendable {
    let arguments: [String]
    let environment: [String]?
    let workingDirectory: String?
    let output: Int32?
    let errorOutput: Int32?
}

/// The one thread of this process that starts programs.
///
/// One, and for ever: the kernel sends the parent-death signal when the *thread* that started the
/// child ends. And one of its own, because a child begins in the namespace of the thread that
/// starts it.
final class Spawner: Sendable {
    static let shared = Result { try Spawner() }
    /// Held while a child is started, and while a descriptor exists that it must not inherit yet.
    static let gate = Mutex<Void>(())

    private final class Job: Sendable {
        let plan: SpawnPlan
        let namespace: NetworkNamespace?
        let outcome = Mutex<Result<Int32, SystemError>?>(nil)
        let done: WakeUp
        /// The list is under a lock, of which ThreadSanitizer sees nothing: this it sees.
        private let isHandedOver = Atomic(false)

        init(_ plan: SpawnPlan, _ namespace: NetworkNamespace?) throws(SystemError) {
            self.plan = plan
            self.namespace = namespace
            self.done = try WakeUp()
            self.isHandedOver.store(true, ordering: .releasing)
        }

        func takeOver() { _ = self.isHandedOver.load(ordering: .acquiring) }
    }

    private let jobs = Mutex<[Job]>([])
    private let wakeUp: WakeUp
    private let home: Descriptor

    private init() throws {
        self.wakeUp = try WakeUp()
        self.home = try Descriptor.open("/proc/thread-self/ns/net", flags: O_RDONLY)
        _ = try OSThread { self.serve() }
    }

    /// Starts the program and returns its process number.
    func spawn(_ plan: SpawnPlan, in namespace: NetworkNamespace?) throws -> Int32 {
        let job = try Job(plan, namespace)
        self.jobs.withLock { $0.append(job) }
        self.wakeUp.signal()
        while true {
            _ = try Poller.wait(readable: [job.done.number], timeout: nil)
            if let outcome = job.outcome.withLock({ $0 }) { return try outcome.get() }
        }
    }

    private func serve() {
        while true {
            _ = try? Poller.wait(readable: [self.wakeUp.number], timeout: nil)
            self.wakeUp.clear()
            let jobs = self.jobs.withLock { jobs in
                defer { jobs = [] }
                return jobs
            }
            for job in jobs {
                let outcome = Result { () throws(SystemError) in try self.perform(job) }
                job.outcome.withLock { $0 = outcome }
                job.done.signal()
            }
        }
    }

    private func perform(_ job: Job) throws(SystemError) -> Int32 {
        job.takeOver()
        if let namespace = job.namespace {
            try namespace.enter()
        } else {
            _ = try systemCall("setns") { fairlead_setns(self.home.number) }
        }
        return try Self.gate.withLock { _ throws(SystemError) in try job.plan.start() }
    }
}

extension SpawnPlan {
    private static let setpriv = ChildProcess.find("setpriv")

    fileprivate func start() throws(SystemError) -> Int32 {
        // setpriv asks for the parent-death signal between fork and exec, where no Swift may run.
        // Then it becomes the program. Where there is none, a killed parent leaves its children.
        let prefix = Self.setpriv.map { [$0, "--pdeathsig", "KILL", "--"] } ?? []
        let words = prefix + self.arguments
        var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe arguments.indices { unsafe free(arguments[index]) } }
        var variables = unsafe (self.environment ?? []).map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe variables.indices { unsafe free(variables[index]) } }

        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        if let output { unsafe posix_spawn_file_actions_adddup2(&actions, output, 1) }
        if let errorOutput { unsafe posix_spawn_file_actions_adddup2(&actions, errorOutput, 2) }
        // Sockets of libraries may lack close-on-exec (swift-nio's do): a child with a copy would keep ports taken and
        // connections open for as long as it lives.
        _ = unsafe fairlead_spawn_close_from(&actions, 3)
        if let workingDirectory { _ = unsafe fairlead_spawn_chdir(&actions, workingDirectory) }

        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        // Whatever this process blocks or ignores is no business of the child.
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        unsafe sigfillset(&signals)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))

        var pid: pid_t = 0
        let vector = unsafe self.environment == nil ? environ : nil
        let failure: Int32
        if let vector = unsafe vector {
            failure = unsafe posix_spawn(&pid, words[0], &actions, &attributes, &arguments, vector)
        } else {
            failure = unsafe posix_spawn(&pid, words[0], &actions, &attributes, &arguments, &variables)
        }
        guard failure == 0 else { throw SystemError(number: failure, call: "posix_spawn", subject: self.arguments[0]) }
        return pid
    }
}
