import Lab
import Testing

extension EndToEnd {
    /// The ingress role, over real sockets: many scenarios against few processes.
    @Suite struct Ingress {}
}

extension EndToEnd.Ingress {
    /// Tests that share one Fairlead. Each brings its own hosts, and takes them away again.
    @Suite(StageTrait()) struct Shared {}

    /// The same, with a Fairlead that is short of patience: every timeout of clients is a second or two.
    @Suite(StageTrait(options: IngressOptions.hurried + Attack.options, hasPromptBackend: Attack.isFull)) struct Hurried
    {}
}

/// The scene of all tests below a suite, made before the first and torn down after the last.
struct StageTrait: SuiteTrait, TestScoping {
    /// Options of the program.
    var options: [String] = []
    /// Whether the backend `b` goes before all else on its processor.
    var hasPromptBackend = false

    @concurrent
    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable @concurrent () async throws -> Void
    ) async throws {
        let scene = try Stage.build(self.options, hasPromptBackend: self.hasPromptBackend)
        defer { scene.tearDown() }
        try await Stage.$current.withValue(scene) { try await function() }
    }
}

/// What is there in every test below ``EndToEnd/Ingress/Shared``: `a.example` leads to the backend `a`, `b.example` to `b`.
enum Stage {
    @TaskLocal static var current: IngressScene?

    static var scene: IngressScene {
        get throws { try #require(Self.current, "only below a suite with a stage") }
    }

    static func build(_ further: [String] = [], hasPromptBackend: Bool = false) throws -> IngressScene {
        let scene = try IngressScene(further)
        do {
            let b = try hasPromptBackend ? withRealTimePriority { try scene.service("b") } : scene.service("b")
            try scene.put(
                "stage",
                try scene.service("a") + b + [
                    ingress("a", [.init("a.example", [.prefix("/", .to("a"))])]),
                    ingress("b", [.init("b.example", [.prefix("/", .to("b"))])]),
                ])
        } catch {
            scene.tearDown()
            throw error
        }
        return scene
    }
}
