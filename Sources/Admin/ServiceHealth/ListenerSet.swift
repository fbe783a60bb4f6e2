internal import Logging
internal import NIOCore

/// The listeners that are open or to be opened: does what ``ListenerPlan`` says. Lives on the event loop.
final class ListenerSet {
    private let loop: any EventLoop
    private let limits: ServerLimits
    private let logger: Logger
    private let onTrouble: (ListeningTrouble) -> Void
    private var plan = ListenerPlan()
    private var listeners: [ListenerKey: Listener] = [:]

    init(
        loop: any EventLoop,
        limits: ServerLimits,
        logger: Logger,
        onTrouble: @escaping (ListeningTrouble) -> Void
    ) {
        self.loop = loop
        self.limits = limits
        self.logger = logger
        self.onTrouble = onTrouble
    }

    func apply(_ state: HealthCheckState) {
        let step = self.plan.update(to: state)
        for conflict in step.conflicts {
            self.logger.warning(
                "a health check port is claimed twice",
                metadata: [
                    "service": "\(conflict.service)", "port": "\(conflict.port)", "holder": "\(conflict.holder)",
                ])
        }
        for key in step.close {
            self.logger.debug("health check port closed", metadata: ["listener": "\(key)"])
            self.listeners.removeValue(forKey: key)?.close()
        }
        for key in step.open {
            self.logger.debug("health check port wanted", metadata: ["listener": "\(key)"])
            // The set outlives its listeners: it closes them before it goes.
            let listener = Listener(
                .address(BindAddress(key.address, key.port)), purpose: .healthCheck(key), loop: self.loop,
                limits: self.limits, logger: self.logger, onTrouble: self.onTrouble
            ) { [unowned self] _ in self.plan.answer(port: key.port)?.answer }
            self.listeners[key] = listener
            listener.open()
        }
    }
}

extension Listener.Purpose {
    fileprivate static func healthCheck(_ key: ListenerKey) -> Self {
        Self(
            user: .service(namespace: key.namespace, name: key.name), noun: "a health check port",
            metadata: ["service": "\(key.service)"])
    }
}
