import Lab
import Testing

extension EndToEnd.Ingress.Shared {
    /// Rules C: whose an Ingress is. `expected` is what a request comes to.
    @Suite struct ClassRuleTests {
        private static let legacyAnnotation = "kubernetes.io/ingress.class"

        private static func ingress(_ rule: String, className: String?, annotation: String? = nil) -> IngressManifest {
            var ingress = IngressManifest(
                rule, className: className, rules: [.init("\(rule).test", [.prefix("/", .to("a"))])])
            if let annotation { ingress.annotations = [Self.legacyAnnotation: annotation] }
            return ingress
        }

        private static func expect(
            _ rule: String, _ objects: [any Manifest], _ expected: String,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let scene = try Stage.scene
            try scene.with(rule, objects) {
                let outcome = try scene.fetch("http://\(rule).test/").outcome
                #expect(outcome == expected, sourceLocation: sourceLocation)
            }
        }

        @Test func `C1 the class has to exist, and to be of our controller`() throws {
            try Self.expect("c1-ours", [Self.ingress("c1-ours", className: IngressScene.className)], "a")
            try Self.expect("c1-missing", [Self.ingress("c1-missing", className: "c1-missing")], "404")
            let foreign = IngressClassManifest("c1-foreign", controller: "example.com/another")
            try Self.expect("c1-foreign", [foreign, Self.ingress("c1-foreign", className: "c1-foreign")], "404")
            let second = IngressClassManifest("c1-second", controller: IngressScene.controller)
            try Self.expect("c1-second", [second, Self.ingress("c1-second", className: "c1-second")], "a")
        }

        @Test func `C2 of an unknown class there is no route and no address`() throws {
            let scene = try Stage.scene
            try scene.with("c2", [Self.ingress("c2", className: "c2-unknown")]) {
                try expectRoutes(scene, ["http://c2.test/": "404"])
                #expect(try !scene.page("/ingress/routes").text.contains("c2.test"))
            }
        }

        @Test func `C3 the annotation counts where there is no field`() throws {
            let ours = IngressScene.className
            try Self.expect("c3-annotation", [Self.ingress("c3-annotation", className: nil, annotation: ours)], "a")
            try Self.expect("c3-other", [Self.ingress("c3-other", className: nil, annotation: "other")], "404")
            try Self.expect("c3-field", [Self.ingress("c3-field", className: ours, annotation: "other")], "a")
            try Self.expect("c3-against", [Self.ingress("c3-against", className: "other", annotation: ours)], "404")
        }

        @Test func `C4 an Ingress that names no class is nobody's`() throws {
            try Self.expect("c4", [Self.ingress("c4", className: nil)], "404")
        }

        /// The API server writes the default class into an Ingress when it is made; with manifests nobody else does.
        @Test func `C5 the default class is for Ingresses that name none`() throws {
            func ingressClass(_ name: String, _ controller: String, _ time: String?) -> IngressClassManifest {
                var ingressClass = IngressClassManifest(name, controller: controller)
                ingressClass.isDefault = true
                ingressClass.creationTimestamp = time
                return ingressClass
            }
            let plain = Self.ingress("c5", className: nil)
            let (ours, theirs) = (IngressScene.controller, "example.com/another")
            let old = "2024-01-01T00:00:00Z"
            let new = "2025-01-01T00:00:00Z"
            try Self.expect("c5", [ingressClass("c5-m", ours, old), plain], "a")
            // The newest of several, then the first by name.
            try Self.expect("c5", [ingressClass("c5-m", ours, old), ingressClass("c5-z", theirs, new), plain], "404")
            try Self.expect("c5", [ingressClass("c5-m", ours, new), ingressClass("c5-a", theirs, old), plain], "a")
            try Self.expect("c5", [ingressClass("c5-m", ours, new), ingressClass("c5-a", theirs, new), plain], "404")
            try Self.expect("c5", [ingressClass("c5-m", ours, new), ingressClass("c5-z", theirs, new), plain], "a")
            // Who has the legacy annotation has a class.
            let annotated = Self.ingress("c5", className: nil, annotation: "other")
            try Self.expect("c5", [ingressClass("c5-m", ours, old), annotated], "404")
        }

        @Test func `C6 classes come, change and go while it runs`() throws {
            let scene = try Stage.scene
            let url = "http://c6.test/"
            try scene.with("c6", [Self.ingress("c6", className: "c6")]) {
                try expectRoutes(scene, [url: "404"])
                try scene.put("c6-class", [IngressClassManifest("c6", controller: IngressScene.controller)])
                try expectRoutes(scene, [url: "a"])
                try scene.put("c6-class", [IngressClassManifest("c6", controller: "example.com/another")])
                try expectRoutes(scene, [url: "404"])
                try scene.put("c6-class", [IngressClassManifest("c6", controller: IngressScene.controller)])
                try expectRoutes(scene, [url: "a"])
                try scene.remove("c6-class")
                try expectRoutes(scene, [url: "404"])
                // And the Ingress changes its class.
                try scene.put("c6", [Self.ingress("c6", className: IngressScene.className)])
                try expectRoutes(scene, [url: "a"])
                try scene.put("c6", [Self.ingress("c6", className: nil, annotation: IngressScene.className)])
                try expectRoutes(scene, [url: "a"])
                try scene.put("c6", [Self.ingress("c6", className: nil)])
                try expectRoutes(scene, [url: "404"])
            }
        }
    }
}
