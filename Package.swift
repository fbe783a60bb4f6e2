// swift-tools-version: 6.3
import PackageDescription

/// One set of rules for every target: Swift 6 language mode, the upcoming features that are not
/// part of it yet, checked memory safety, and no warning left standing.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("ImmutableWeakCaptures"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

func module(
    _ name: String, _ dependencies: [Target.Dependency] = [], experimental: [SwiftSetting] = []
) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings + experimental)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let nio: [Target.Dependency] = ["NIOCore", "NIOHTTP1", "NIOPosix"].map { .product(name: $0, package: "swift-nio") }
let tls: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let http2: Target.Dependency = .product(name: "NIOHTTP2", package: "swift-nio-http2")
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let asyncHTTP: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "fairlead",
    products: [
        .executable(name: "fairlead", targets: ["fairlead"]),
        .library(name: "Nftables", targets: ["Nftables"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // C: the system's libraries, and inline shims for what does not import into Swift.
        .systemLibrary(
            name: "CNetfilter",
            pkgConfig: "libnftnl",
            providers: [.apt(["libnftnl-dev", "libmnl-dev", "libnetfilter-conntrack-dev"])]
        ),
        .systemLibrary(name: "CYaml", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CNghttp2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
        .target(name: "CLinux"),
        .target(name: "CReactor"),

        // The product. The arrows are those of docs/architecture.md; .ci/check-imports holds them.
        module("Networking"),
        // A property that returns a view of its own value has no other spelling yet.
        module("Bytes", experimental: [.enableExperimentalFeature("Lifetimes")]),
        module("Balancing", ["Networking"]),
        module("HTTP1", ["Bytes", "Networking"]),
        module("HTTP2", ["CNghttp2", "Bytes", "HTTP1"], experimental: [.enableExperimentalFeature("Lifetimes")]),
        module("Linux", ["CLinux", "Networking"]),
        module("Reactor", ["CReactor", "Bytes", "Linux", "Networking"]),
        module("TLS", ["COpenSSL", "Linux"]),
        module("Nftables", ["CNetfilter", "Linux", "Networking"]),
        module("Conntrack", ["CNetfilter", "Linux", "Networking"]),
        module("KubernetesAPI", ["CYaml", "Networking"]),
        // Generated, and nothing else: its shared default values are unsafe globals without the mark.
        .target(
            name: "KubernetesMessages",
            dependencies: [protobuf],
            exclude: ["proto"],
            swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]
        ),
        module("KubernetesWire", ["KubernetesAPI", "KubernetesMessages", "Networking", protobuf]),
        module("ClusterState", ["KubernetesAPI", "Linux", logging, lifecycle]),
        module(
            "KubernetesClient",
            [
                "ClusterState", "KubernetesAPI", "KubernetesWire", "Linux", "Networking", logging, lifecycle, tls,
                asyncHTTP,
            ] + nio
        ),
        module("ServiceModel", ["KubernetesAPI", "Networking"]),
        module("Routing", ["KubernetesAPI", "Networking", "ServiceModel"]),
        module(
            "KernelDataplane",
            [
                "ServiceModel", "Nftables", "Conntrack", "Networking", "Linux", "KubernetesAPI", "ClusterState",
                "Observability", logging, lifecycle,
            ]
        ),
        module(
            "HealthChecking",
            ["Bytes", "HTTP1", "HTTP2", "Linux", "Networking", "Reactor", "ServiceModel", "TLS", logging]
        ),
        module(
            "StreamBalancer",
            [
                "Balancing", "Bytes", "HealthChecking", "KubernetesAPI", "Linux", "Networking", "Observability",
                "Reactor", "ServiceModel", logging, lifecycle,
            ],
            experimental: [.enableExperimentalFeature("Lifetimes")]
        ),
        module(
            "HTTPProxy",
            [
                "Balancing", "Bytes", "HealthChecking", "HTTP1", "HTTP2", "Linux", "Networking", "Observability",
                "Reactor", "Routing", "TLS", logging, lifecycle,
            ],
            experimental: [.enableExperimentalFeature("Lifetimes")]
        ),
        module(
            "IngressControl",
            [
                "ClusterState", "HealthChecking", "HTTPProxy", "KubernetesAPI", "KubernetesClient", "KubernetesWire",
                "Linux", "Networking", "Observability", "Reactor", "Routing", "ServiceModel", "TLS", logging, lifecycle,
            ]
        ),
        module(
            "Traces",
            [
                "Bytes", "HTTP1", "KernelDataplane", "KubernetesAPI", "Networking", "Nftables", "Routing",
                "ServiceModel",
            ]),
        module("HostCheck", ["KernelDataplane", "Linux", "Networking", "Nftables", "Observability"]),
        module("AdminAPI", ["KubernetesAPI", "Linux", "Networking", "Observability", "ServiceModel", "Traces"]),
        module("Admin", ["Linux", "Networking", "Observability", logging, lifecycle] + nio),
        module("Observability", [logging, lifecycle, "Linux"]),
        .executableTarget(
            name: "fairlead",
            dependencies: [
                "Admin", "AdminAPI", "ClusterState", "HTTPProxy", "HealthChecking", "HostCheck", "IngressControl",
                "KernelDataplane", "KubernetesAPI", "KubernetesClient", "KubernetesWire", "Linux", "Networking",
                "Nftables", "Observability", "Reactor", "Routing", "ServiceModel", "StreamBalancer", "TLS", "Traces",
                arguments, logging, lifecycle, signals,
            ],
            resources: [.embedInCode("Resources/dashboard.html")],
            swiftSettings: settings
        ),

        // The lab: network namespaces, echo servers, programs run inside them.
        .systemLibrary(name: "CLab", path: "integration/CLab"),
        .target(
            name: "Lab",
            dependencies: ["CLab", "Linux", "Networking"],
            path: "integration/Lab",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "fairlead-demo",
            dependencies: ["Lab", "Linux", "Networking"],
            path: "integration/demo",
            exclude: ["manifests"],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "fairlead-bench",
            dependencies: ["Lab", "Linux", "Networking", "Nftables", "Observability"],
            path: "integration/bench",
            exclude: ["HTTP/peers", "HTTP/tools", "Stream/peers"],
            swiftSettings: settings
        ),

        // What the hot paths cost, to the instruction; run by .ci/instructions.
        .executableTarget(
            name: "fairlead-instructions",
            dependencies: [
                "Balancing", "Bytes", "HTTP1", "HTTP2", "KubernetesAPI", "Networking", "Routing", "ServiceModel",
            ],
            path: "integration/instructions",
            exclude: ["limits"],
            swiftSettings: settings,
            linkerSettings: [.linkedLibrary("m")]
        ),

        // An API server for tests.
        .target(
            name: "FakeAPIServer",
            dependencies: [
                "KubernetesAPI", "KubernetesMessages", "KubernetesWire", "Linux", "Networking", protobuf, tls, http2,
            ]
                + nio,
            path: "integration/FakeAPIServer",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "fairlead-fake-apiserver",
            dependencies: ["FakeAPIServer", "Linux", "Networking"],
            path: "integration/fake-apiserver",
            swiftSettings: settings
        ),

        // Tests. Kernel and end-to-end tests need root; `make test` runs them all.
        .target(
            name: "TestSupport",
            dependencies: [
                "Nftables", "KubernetesAPI", "ServiceModel", "Networking", "Linux", "KernelDataplane", "Lab",
                logging,
            ],
            path: "Tests/TestSupport",
            swiftSettings: settings
        ),
        .target(
            name: "LineSupport",
            dependencies: ["Bytes", "Lab", "Networking", "Reactor"],
            path: "Tests/LineSupport",
            swiftSettings: settings
        ),
        tests("NetworkingTests", ["Networking"]),
        tests("BytesTests", ["Bytes", "Lab"]),
        tests("BalancingTests", ["Balancing", "Networking"]),
        tests("HTTP1Tests", ["HTTP1", "Bytes", "Lab", "Networking"]),
        tests("HTTP2Tests", ["HTTP2", "HTTP1", "Bytes", "Lab"]),
        tests("LinuxTests", ["Lab", "Linux", "Networking"]),
        tests("ReactorTests", ["Reactor", "Bytes", "Lab", "Linux", "Networking"]),
        tests("TLSTests", ["TLS", "COpenSSL", "Linux"]),
        tests("ObservabilityTests", ["Observability", "Lab", "Linux", logging, lifecycle]),
        tests(
            "AdminTests", ["TestSupport", "Admin", "Lab", "Linux", "Networking", "Observability", logging, lifecycle]),
        tests(
            "TracesTests",
            [
                "Traces", "IngressControl", "KernelDataplane", "KubernetesAPI", "Networking", "Nftables", "Routing",
                "ServiceModel", "TestSupport",
            ]),
        tests("HostCheckTests", ["HostCheck", "KernelDataplane", "Lab", "Linux", "Networking", "Nftables"]),
        tests(
            "AdminAPITests",
            ["AdminAPI", "KubernetesAPI", "Linux", "Networking", "ServiceModel", "TestSupport", "Traces"]),
        tests("NftablesTests", ["Nftables", "Networking", "Linux", "TestSupport", "Lab"]),
        tests("ConntrackTests", ["Conntrack", "Networking", "Linux", "Lab"]),
        tests("KubernetesAPITests", ["KubernetesAPI", "Networking"]),
        tests(
            "KubernetesWireTests",
            ["KubernetesWire", "KubernetesMessages", "KubernetesAPI", "Networking", "Lab", protobuf]),
        tests(
            "FakeAPIServerTests",
            ["FakeAPIServer", "KubernetesAPI", "KubernetesWire", "Linux", "Networking", "TestSupport"]
        ),
        tests("ClusterStateTests", ["ClusterState", "KubernetesAPI", "Networking", "Linux", "Lab", logging]),
        tests(
            "KubernetesClientTests",
            [
                "KubernetesClient", "ClusterState", "FakeAPIServer", "KubernetesAPI", "KubernetesWire", "Linux",
                "Networking", "TestSupport", "Lab", logging, lifecycle,
            ]),
        tests(
            "HealthCheckingTests",
            [
                "HealthChecking", "Bytes", "HTTP1", "HTTP2", "Lab", "Linux", "Networking", "Reactor", "ServiceModel",
                "TLS", logging,
            ]),
        tests(
            "HTTPProxyTests",
            [
                "HTTPProxy", "Balancing", "Bytes", "HealthChecking", "HTTP1", "HTTP2", "KubernetesAPI", "Lab",
                "LineSupport", "Linux", "Networking", "Reactor", "Routing", "ServiceModel", logging, lifecycle,
            ]),
        tests(
            "StreamBalancerTests",
            [
                "StreamBalancer", "Balancing", "Bytes", "HealthChecking", "KubernetesAPI", "Lab", "LineSupport",
                "Linux", "Networking", "Reactor", "ServiceModel", logging, lifecycle,
            ]),
        tests(
            "IngressControlTests",
            [
                "IngressControl", "ClusterState", "FakeAPIServer", "HTTPProxy", "KubernetesAPI", "KubernetesClient",
                "KubernetesWire", "Linux", "Networking", "Observability", "Routing", "TLS", "TestSupport", "Lab",
                logging, lifecycle,
            ]
        ),
        tests("DeployTests", ["HTTPProxy", "KubernetesAPI", "Lab", "Linux"]),
        tests("ServiceModelTests", ["ServiceModel", "KubernetesAPI", "Networking", "TestSupport", "Lab"]),
        tests("RoutingTests", ["Routing", "ServiceModel", "KubernetesAPI", "Networking", "Lab"]),
        tests(
            "KernelDataplaneTests",
            [
                "KernelDataplane", "ServiceModel", "Nftables", "Conntrack", "KubernetesAPI", "ClusterState",
                "Networking", "Linux", "Observability", "TestSupport", "Traces", "Lab", logging,
            ]
        ),
        .testTarget(
            name: "EndToEndTests",
            dependencies: ["Lab", "Linux", "Networking"],
            path: "integration/EndToEndTests",
            exclude: ["HTTP2/peers", "Dashboard/browser.py"],
            swiftSettings: settings
        ),
    ]
)
