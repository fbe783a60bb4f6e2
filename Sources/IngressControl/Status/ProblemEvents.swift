internal import KubernetesAPI
package import KubernetesClient
internal import KubernetesWire
package import Routing
internal import Synchronization

/// Writes what is wrong with an Ingress as events of it, where its owner looks. Of several replicas the one that leads does;
/// whoever begins to lead says all that is wrong then.
package final class ProblemEvents: Sendable {
    private let recorder: EventRecorder
    private let board: IngressBoard
    private let leads: Mutex<Bool>

    /// - Parameter leads: whether this replica leads from the beginning, as there is nobody else.
    package init(_ recorder: EventRecorder, board: IngressBoard, leads: Bool) {
        self.recorder = recorder
        self.board = board
        self.leads = Mutex(leads)
    }

    /// Problems that have come up. Does not wait.
    package func take(_ problems: [IngressProblem]) {
        guard self.leads.withLock({ $0 }) else { return }
        self.record(problems)
    }

    package func lead(_ leads: Bool) {
        let begins = self.leads.withLock { former in
            defer { former = leads }
            return leads && !former
        }
        if begins { self.record(self.board.state?.plan.problems ?? []) }
    }

    /// Notes change nothing, and are for pages.
    private func record(_ problems: [IngressProblem]) {
        let uids = self.board.state?.uids ?? [:]
        for problem in problems where problem.severity != .note {
            let uid = problem.object.kind == .ingress ? uids[problem.object.name] ?? "" : ""
            self.recorder.record(
                .warning, reason: problem.code.rawValue, action: "Sync", note: problem.message,
                regarding: ObjectReference(problem.object, uid: uid))
        }
    }
}
