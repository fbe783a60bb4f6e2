@testable import KubernetesAPI

/// What a field of an object may hold. Only fields that our manifests use are known: one more is one more line here, and
/// a reason to look it up (kubernetes/api, the types of each group).
indirect enum Schema: Sendable {
    case string
    case integer
    case boolean
    /// `IntOrString`.
    case integerOrString
    case oneOf([String])
    case list(Schema)
    /// Names of its own: labels, selectors, quantities.
    case map(Schema)
    case object([String: Schema], required: [String] = [])

    /// What is wrong with a value, as `line: path: reason`.
    func problems(_ tree: ManifestTree, _ path: String = "") -> [String] {
        func wrong(_ reason: String) -> [String] { ["\(tree.line): \(path): \(reason)"] }
        switch (self, tree) {
        case (.string, .scalar(_, .text, _)), (.integer, .scalar(_, .integer, _)),
            (.boolean, .scalar(_, .boolean, _)), (.integerOrString, .scalar(_, .integer, _)),
            (.integerOrString, .scalar(_, .text, _)):
            return []
        case (.oneOf(let choices), .scalar(let text, .text, _)):
            return choices.contains(text) ? [] : wrong("\(text) is none of \(choices.joined(separator: ", "))")
        case (.list(let item), .list(let items, _)):
            return items.enumerated().flatMap { item.problems($0.element, "\(path)[\($0.offset)]") }
        case (.map(let value), .mapping(let pairs, _)):
            return pairs.flatMap { value.problems($0.value, "\(path).\($0.key)") }
        case (.object(let fields, let required), .mapping(let pairs, _)):
            let keys = pairs.map(\.key)
            return required.filter { !keys.contains($0) }.flatMap { wrong("\($0) is missing") }
                + keys.filter { key in keys.count { $0 == key } > 1 }.flatMap { wrong("\($0) is there twice") }
                + pairs.flatMap { key, value in
                    fields[key]?.problems(value, "\(path).\(key)") ?? ["\(value.line): \(path).\(key): unknown field"]
                }
        default:
            return wrong("has the wrong type")
        }
    }
}

// MARK: - The kinds

extension Schema {
    /// By `apiVersion kind`.
    static let kinds: [String: Schema] = [
        "v1 Namespace": .kind([:]),
        "v1 ServiceAccount": .kind([:]),
        "v1 Service": .kind(["spec": Self.serviceSpec], required: ["spec"]),
        "networking.k8s.io/v1 IngressClass": .kind(
            ["spec": .object(["controller": .string], required: ["controller"])], required: ["spec"]),
        "rbac.authorization.k8s.io/v1 ClusterRole": .kind(["rules": .list(Self.rule)], required: ["rules"]),
        "rbac.authorization.k8s.io/v1 Role": .kind(["rules": .list(Self.rule)], required: ["rules"]),
        "rbac.authorization.k8s.io/v1 ClusterRoleBinding": Self.binding,
        "rbac.authorization.k8s.io/v1 RoleBinding": Self.binding,
        "policy/v1 PodDisruptionBudget": .kind(
            [
                "spec": .object(
                    ["selector": Self.selector, "maxUnavailable": .integerOrString, "minAvailable": .integerOrString],
                    required: ["selector"])
            ], required: ["spec"]),
        "apps/v1 DaemonSet": .kind(
            [
                "spec": .object(
                    [
                        "selector": Self.selector,
                        "updateStrategy": Self.strategy,
                        "template": Self.podTemplate,
                    ], required: ["selector", "template"])
            ], required: ["spec"]),
        "apps/v1 Deployment": .kind(
            [
                "spec": .object(
                    [
                        "replicas": .integer,
                        "selector": Self.selector,
                        "strategy": Self.strategy,
                        "template": Self.podTemplate,
                    ], required: ["selector", "template"])
            ], required: ["spec"]),
    ]

    private static func kind(_ fields: [String: Schema], required: [String] = []) -> Schema {
        let metadata = Schema.object(
            ["name": .string, "namespace": .string, "labels": .map(.string)], required: ["name"])
        return .object(
            fields.merging(["apiVersion": .string, "kind": .string, "metadata": metadata]) { first, _ in first },
            required: ["apiVersion", "kind", "metadata"] + required)
    }

    private static let selector = Schema.object(["matchLabels": .map(.string)], required: ["matchLabels"])

    private static let strategy = Schema.object([
        "type": .oneOf(["RollingUpdate", "OnDelete", "Recreate"]),
        "rollingUpdate": .object(["maxUnavailable": .integerOrString, "maxSurge": .integerOrString]),
    ])

    private static let rule = Schema.object(
        [
            "apiGroups": .list(.string), "resources": .list(.string), "resourceNames": .list(.string),
            "verbs": .list(.oneOf(["get", "list", "watch", "create", "update", "patch"])),
        ], required: ["apiGroups", "resources", "verbs"])

    private static let binding = Schema.kind(
        [
            "roleRef": .object(
                ["apiGroup": .oneOf(["rbac.authorization.k8s.io"]), "kind": .string, "name": .string],
                required: ["apiGroup", "kind", "name"]),
            "subjects": .list(
                .object(
                    ["kind": .oneOf(["ServiceAccount"]), "name": .string, "namespace": .string],
                    required: ["kind", "name", "namespace"])),
        ], required: ["roleRef", "subjects"])

    private static let serviceSpec = Schema.object([
        "type": .oneOf(["ClusterIP", "NodePort", "LoadBalancer"]),
        "externalTrafficPolicy": .oneOf(["Cluster", "Local"]),
        "ipFamilyPolicy": .oneOf(["SingleStack", "PreferDualStack", "RequireDualStack"]),
        "selector": .map(.string),
        "ports": .list(
            .object(["name": .string, "port": .integer, "targetPort": .integerOrString], required: ["port"])),
    ])

    private static let podTemplate = Schema.object(
        [
            "metadata": .object(["labels": .map(.string)], required: ["labels"]),
            "spec": .object(
                [
                    "serviceAccountName": .string,
                    "priorityClassName": .string,
                    "hostNetwork": .boolean,
                    "dnsPolicy": .oneOf(["Default", "ClusterFirst", "ClusterFirstWithHostNet"]),
                    "terminationGracePeriodSeconds": .integer,
                    "nodeSelector": .map(.string),
                    "tolerations": .list(.object(["key": .string, "operator": .oneOf(["Exists", "Equal"])])),
                    "topologySpreadConstraints": .list(
                        .object(
                            [
                                "maxSkew": .integer, "topologyKey": .string, "labelSelector": Self.selector,
                                "whenUnsatisfiable": .oneOf(["DoNotSchedule", "ScheduleAnyway"]),
                            ], required: ["maxSkew", "topologyKey", "whenUnsatisfiable"])),
                    "initContainers": .list(Self.container),
                    "containers": .list(Self.container),
                    "volumes": .list(
                        .object(
                            [
                                "name": .string, "configMap": .object(["name": .string], required: ["name"]),
                                "emptyDir": .object([:]),
                            ],
                            required: ["name"])),
                ], required: ["containers"]),
        ], required: ["metadata", "spec"])

    private static let container = Schema.object(
        [
            "name": .string,
            "image": .string,
            "args": .list(.string),
            "env": .list(
                .object(
                    [
                        "name": .string, "value": .string,
                        "valueFrom": .object(["fieldRef": .object(["fieldPath": .string], required: ["fieldPath"])]),
                    ], required: ["name"])),
            "ports": .list(.object(["name": .string, "containerPort": .integer], required: ["containerPort"])),
            "securityContext": .object([
                "privileged": .boolean, "runAsUser": .integer, "runAsNonRoot": .boolean,
                "allowPrivilegeEscalation": .boolean, "readOnlyRootFilesystem": .boolean,
                "capabilities": .object(["drop": .list(.string), "add": .list(.string)]),
                "seccompProfile": .object(["type": .oneOf(["RuntimeDefault"])], required: ["type"]),
            ]),
            "resources": .object(["requests": .map(.string)]),
            "lifecycle": .object([
                "preStop": .object(["sleep": .object(["seconds": .integer], required: ["seconds"])])
            ]),
            "livenessProbe": Self.probe,
            "readinessProbe": Self.probe,
            "volumeMounts": .list(
                .object(
                    ["name": .string, "mountPath": .string, "readOnly": .boolean], required: ["name", "mountPath"])),
        ], required: ["name", "image"])

    private static let probe = Schema.object([
        "httpGet": .object(["path": .string, "port": .integerOrString], required: ["port"]),
        "tcpSocket": .object(["port": .integerOrString], required: ["port"]),
        "initialDelaySeconds": .integer, "periodSeconds": .integer, "failureThreshold": .integer,
    ])
}
