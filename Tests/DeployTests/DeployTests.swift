import HTTPProxy
import KubernetesAPI
import Lab
import Linux
import Testing

/// What is in `deploy/`. There is no kubectl to ask here, so the manifests are held against a schema of our own
/// (`Schema.swift`): the kinds they use, no field that those kinds do not have.
@Suite struct DeployTests {
    /// The top of the package, from where this file is.
    static let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()

    static func text(_ path: String) throws -> String {
        let file = try Descriptor.open("\(self.root)/\(path)", flags: 0)
        return String(decoding: try file.readToEnd(limit: 1 << 20), as: UTF8.self)
    }

    static let manifests = ["deploy/kubernetes/node.yaml", "deploy/kubernetes/ingress.yaml"]

    private static func pods(_ path: String) throws -> [ManifestTree] {
        try ManifestTree.documents(self.text(path)).compactMap { $0.at("spec.template") }
    }

    private static func containers(_ path: String) throws -> [ManifestTree] {
        try self.pods(path).flatMap { pod in
            (pod.at("spec.initContainers")?.items ?? []) + (pod.at("spec.containers")?.items ?? [])
        }
    }

    // MARK: Manifests

    @Test(arguments: Self.manifests)
    func `every object is of a known kind and has only fields of that kind`(path: String) throws {
        let documents = try ManifestTree.documents(Self.text(path))
        #expect(documents.count >= 4)
        for document in documents {
            let kind = "\(document["apiVersion"]?.text ?? "?") \(document["kind"]?.text ?? "?")"
            let schema = try #require(Schema.kinds[kind], "\(path):\(document.line): \(kind)")
            #expect(schema.problems(document, kind).map { "\(path):\($0)" } == [])
        }
    }

    @Test func `the schema refuses what it should`() throws {
        let documents = try ManifestTree.documents(
            """
            apiVersion: v1
            kind: Service
            metadata: {name: 7, label: {a: b}}
            spec: {type: Internal, ports: [{prot: 80}], type: ClusterIP, selector: [a]}
            """)
        let service = try #require(Schema.kinds["v1 Service"])
        #expect(
            service.problems(try #require(documents.first)).sorted()
                == [
                    "3: .metadata.label: unknown field", "3: .metadata.name: has the wrong type",
                    "4: .spec.ports[0].prot: unknown field", "4: .spec.ports[0]: port is missing",
                    "4: .spec.selector: has the wrong type",
                    "4: .spec.type: Internal is none of ClusterIP, NodePort, LoadBalancer",
                    "4: .spec: type is there twice", "4: .spec: type is there twice",
                ].sorted())
    }

    @Test(arguments: Self.manifests)
    func `Fairlead reads them itself`(path: String) throws {
        let content = ManifestDecoder.decode(Array(try Self.text(path).utf8), file: path)
        #expect(!content.isBroken)
        // Kinds that are none of its business get a note.
        #expect(content.problems.filter { $0.severity != .note } == [])
        let services = content.objects.map(\.object.key.description)
        #expect(
            services
                == (path.hasSuffix("ingress.yaml")
                    ? ["IngressClass fairlead", "Service fairlead-ingress/fairlead-ingress"] : []))
    }

    @Test(arguments: Self.manifests)
    func `names inside a file agree`(path: String) throws {
        let documents = try ManifestTree.documents(Self.text(path))
        func names(_ kind: String) -> [String] {
            documents.filter { $0["kind"]?.text == kind }.compactMap { $0.at("metadata.name")?.text }
        }
        for binding in documents where binding["roleRef"] != nil {
            let kind = try #require(binding.at("roleRef.kind")?.text)
            #expect(names(kind).contains(try #require(binding.at("roleRef.name")?.text)))
            for subject in binding["subjects"]?.items ?? [] {
                #expect(names("ServiceAccount").contains(try #require(subject["name"]?.text)))
            }
        }
        for workload in documents where workload.at("spec.template") != nil {
            let account = try #require(workload.at("spec.template.spec.serviceAccountName")?.text)
            #expect(names("ServiceAccount").contains(account))
            guard case .mapping(let wanted, _)? = workload.at("spec.selector.matchLabels") else {
                Issue.record("no selector")
                continue
            }
            for (key, value) in wanted {
                #expect(workload.at("spec.template.metadata.labels")?[key]?.text == value.text, "\(key)")
            }
        }
        for pod in try Self.pods(path) {
            let volumes = pod.at("spec.volumes")?.items.compactMap { $0["name"]?.text } ?? []
            for container in try Self.containers(path) {
                for mount in container["volumeMounts"]?.items ?? [] {
                    #expect(volumes.contains(try #require(mount["name"]?.text)))
                }
                let ports = container["ports"]?.items.compactMap { $0["name"]?.text } ?? []
                for probe in ["livenessProbe", "readinessProbe"] {
                    for handler in ["httpGet", "tcpSocket"] {
                        guard let port = container.at("\(probe).\(handler).port")?.text, Int(port) == nil else {
                            continue
                        }
                        #expect(ports.contains(port), "\(probe) asks port \(port)")
                    }
                }
            }
        }
    }

    @Test func `the node role has one capability, and the ingress role none`() throws {
        let node = try Self.containers(Self.manifests[0])
        #expect(node.map { $0.at("securityContext.privileged")?.text } == ["true", nil])
        #expect(node[0]["args"]?.items.contains { $0.text == "--init-only" } == true)
        #expect(node[1].at("securityContext.capabilities.add")?.items.map(\.text) == ["NET_ADMIN"])
        for container in [node[1]] + (try Self.containers(Self.manifests[1])) {
            #expect(container.at("securityContext.capabilities.drop")?.items.map(\.text) == ["ALL"])
            #expect(container.at("securityContext.allowPrivilegeEscalation")?.text == "false")
        }
        let ingress = try #require(try Self.containers(Self.manifests[1]).first)
        #expect(ingress.at("securityContext.capabilities.add") == nil)
        #expect(ingress.at("securityContext.runAsNonRoot")?.text == "true")
    }

    @Test func `the ingress pod has time to drain`() throws {
        let path = Self.manifests[1]
        let pod = try #require(try Self.pods(path).first)
        func number(_ tree: ManifestTree?, _ path: String) throws -> Int {
            try #require((tree?.at(path)?.text).flatMap { Int($0) }, "\(path)")
        }
        let grace = try number(pod, "spec.terminationGracePeriodSeconds")
        let pause = try number(try Self.containers(path).first, "lifecycle.preStop.sleep.seconds")
        #expect(grace >= pause + ProxyLimits().drainTimeout / 1000 + 10)
    }

    /// Pods of other labels would be kept from being moved, or these would not.
    @Test func `Service, budget and Deployment of the ingress mean the same pods`() throws {
        let documents = try ManifestTree.documents(Self.text(Self.manifests[1]))
        func labels(_ kind: String, _ path: String) throws -> [String: String] {
            let document = try #require(documents.first { $0["kind"]?.text == kind })
            guard case .mapping(let pairs, _)? = document.at(path) else { return [:] }
            return Dictionary(pairs.map { ($0.key, $0.value.text ?? "") }) { first, _ in first }
        }
        let pods = try labels("Deployment", "spec.template.metadata.labels")
        #expect(pods.count == 2)
        #expect(try labels("Service", "spec.selector") == pods)
        #expect(try labels("PodDisruptionBudget", "spec.selector.matchLabels") == pods)
    }

    /// The class is the one that the program serves if nothing else is said, and what is probed is open.
    @Test func `the IngressClass leads to the Deployment`() throws {
        let documents = try ManifestTree.documents(Self.text(Self.manifests[1]))
        let controller = documents.first { $0["kind"]?.text == "IngressClass" }?.at("spec.controller")?.text
        #expect(controller == "fairlead.dev/ingress-controller")
        let container = try #require(try Self.containers(Self.manifests[1]).first)
        let arguments = container["args"]?.items.compactMap(\.text) ?? []
        #expect(arguments.contains("--controller-class=fairlead.dev/ingress-controller"))
        for (port, flag) in [("http", "--http-port="), ("https", "--https-port="), ("healthz", "--healthz-port=")] {
            let number = container["ports"]?.items.first { $0["name"]?.text == port }?["containerPort"]?.text
            #expect(arguments.contains(flag + (number ?? "?")), "\(port)")
        }
        for probe in ["livenessProbe", "readinessProbe"] {
            #expect(container.at("\(probe).httpGet.port")?.text == "healthz")
        }
    }

    /// Each verb is one that the program uses; what it only lists and watches it cannot change.
    @Test func `the ingress role may write what it writes and nothing else`() throws {
        var writes: [String] = []
        for document in try ManifestTree.documents(Self.text(Self.manifests[1])) {
            for rule in document["rules"]?.items ?? [] {
                let verbs = (rule["verbs"]?.items.compactMap(\.text) ?? []).filter {
                    !["get", "list", "watch"].contains($0)
                }
                for resource in rule["resources"]?.items.compactMap(\.text) ?? [] where !verbs.isEmpty {
                    writes.append("\(resource): \(verbs.joined(separator: " "))")
                }
            }
        }
        #expect(writes.sorted() == ["events: create", "ingresses/status: patch", "leases: create", "leases: update"])
    }

    /// Secrets are read only where somebody says so.
    @Test func `no role that is bound reads Secrets`() throws {
        for path in Self.manifests {
            let documents = try ManifestTree.documents(Self.text(path))
            let bound = documents.compactMap { $0.at("roleRef.name")?.text }
            #expect(!bound.isEmpty)
            for role in documents where bound.contains(role.at("metadata.name")?.text ?? "") {
                for rule in role["rules"]?.items ?? [] {
                    #expect(!(rule["resources"]?.items.contains { $0.text == "secrets" } ?? false))
                }
            }
        }
    }

    /// Group and plural of what the ingress role follows and writes, with the verbs that takes; and nothing more.
    @Test func `the ingress role may do what it does`() throws {
        let documents = try ManifestTree.documents(Self.text(Self.manifests[1]))
        var verbs: [String: Set<String>] = [:]
        for role in documents where role["kind"]?.text == "ClusterRole" {
            for rule in role["rules"]?.items ?? [] {
                for group in rule["apiGroups"]?.items ?? [] {
                    for resource in rule["resources"]?.items ?? [] {
                        let key = "\(resource.text ?? "?").\(group.text ?? "?")"
                        verbs[key, default: []].formUnion(rule["verbs"]?.items.compactMap(\.text) ?? [])
                    }
                }
            }
        }
        let follow: Set = ["list", "watch"]
        #expect(
            verbs == [
                "ingresses.networking.k8s.io": follow.union(["get"]), "ingressclasses.networking.k8s.io": follow,
                "services.": follow, "endpointslices.discovery.k8s.io": follow, "nodes.": follow, "secrets.": follow,
                "ingresses/status.networking.k8s.io": ["patch"], "events.events.k8s.io": ["create"],
            ])
    }

    // MARK: Flags

    private static func help(_ command: String) throws -> String {
        let completion = try ChildProcess.run([try FairleadProcess.locate(), command, "--help"])
        try #require(completion.succeeded, "\(completion.errorOutput)")
        return completion.output
    }

    /// `--flag` of what begins with dashes.
    private static func flags(_ arguments: [String]) -> [String] {
        arguments.filter { $0.hasPrefix("-") }.map { String($0.prefix { $0 != "=" }) }
    }

    @Test func `every flag of the DaemonSet is one of fairlead node`() throws {
        let help = try Self.help("node")
        let containers = try Self.containers(Self.manifests[0])
        #expect(containers.count == 2)
        for container in containers {
            let arguments = container["args"]?.items.compactMap(\.text) ?? []
            #expect(arguments.first == "node")
            for flag in Self.flags(arguments) { #expect(help.contains("  \(flag) "), "\(flag)") }
        }
    }

    @Test func `every flag of the ingress Deployment is one of fairlead ingress`() throws {
        let help = try Self.help("ingress")
        let arguments =
            try #require(try Self.containers(Self.manifests[1]).first)["args"]?.items.compactMap(\.text) ?? []
        #expect(arguments.first == "ingress")
        #expect(Self.flags(arguments).count > 3)
        for flag in Self.flags(arguments) { #expect(help.contains("  \(flag) "), "\(flag)") }
    }

    // MARK: systemd

    private static func commands() throws -> [[String]] {
        try self.text("deploy/systemd/fairlead.service").split(separator: "\n")
            .filter { $0.hasPrefix("Exec") }
            .map { line in
                line.drop { $0 != "/" }.split(separator: " ").map(String.init).filter { !$0.hasPrefix("$") }
            }
    }

    @Test func `every flag of the unit is one of fairlead run`() throws {
        let help = try Self.help("run")
        let commands = try Self.commands()
        #expect(commands.count == 2)
        for command in commands {
            #expect(command[0] == "/usr/local/bin/fairlead" && command[1] == "run")
            #expect(!Self.flags(command).isEmpty)
            for flag in Self.flags(command) { #expect(help.contains("  \(flag) "), "\(flag)") }
        }
    }

    /// With the program of this build, as there is none where the unit looks for it.
    @Test func `systemd accepts the unit without a word`() throws {
        let directory = try ManifestFolder()
        defer { directory.delete() }
        func verify(_ unit: String) throws -> ChildProcess.Completion {
            try directory.write("fairlead.service", unit)
            return try ChildProcess.run(["systemd-analyze", "verify", "\(directory.path)/fairlead.service"])
        }
        let program = try FairleadProcess.locate()
        let absolute = program.hasPrefix("/") ? program : "\(Self.root)/\(program)"
        let pieces = try Self.text("deploy/systemd/fairlead.service").split(
            separator: "/usr/local/bin/fairlead", omittingEmptySubsequences: false)
        #expect(pieces.count == 3)
        let unit = pieces.joined(separator: absolute)
        let completion = try verify(unit)
        #expect(completion.succeeded && completion.errorOutput == "", "\(completion.errorOutput)")
        // It would say so.
        let wrong = try verify(unit + "Alas=multi-user.target\n")
        #expect(wrong.errorOutput.contains("Alas"), "\(wrong.errorOutput)")
    }

    // MARK: Dockerfile

    /// Libraries that are not in every Debian image, by the packages that bring them.
    @Test func `the image has every library that the program is linked with`() throws {
        let linked = try ChildProcess.run(["ldd", try FairleadProcess.locate()]).output.split(separator: "\n")
            .compactMap { line -> String? in
                let words = line.split(separator: " ")
                guard words.count > 2, words[1] == "=>" else { return nil }
                // The Swift runtime is linked in for the image.
                return words[2].contains("swift") ? nil : words[2].split(separator: "/").last.map(String.init)
            }
        let base: Set<String> = ["libc6", "libgcc-s1", "libstdc++6"]
        let dockerfile = try Self.text("deploy/Dockerfile")
        let runtime = try #require(dockerfile.components(after: "FROM debian:bookworm-slim"))
        #expect(linked.count >= 6)
        for library in linked {
            let search = try ChildProcess.run(["dpkg", "-S", "*/\(library)"])
            let package = try #require(search.output.split(separator: ":").first.map(String.init), "\(library)")
            // A dependency of libnetfilter-conntrack3.
            guard !base.contains(package), package != "libnfnetlink0" else { continue }
            #expect(runtime.contains(" \(package) "), "\(library) is in \(package)")
        }
    }
}

extension String {
    /// What comes after the first place where `text` is; nil if it is nowhere.
    fileprivate func components(after text: String) -> Substring? {
        self.firstRange(of: text).map { self[$0.upperBound...] }
    }
}
