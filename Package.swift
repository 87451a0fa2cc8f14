// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

/// The settings of every Swift target: warnings are errors, imports and existentials are explicit.
let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let strictC: [CSetting] = [
    .treatAllWarnings(as: .error),
    .enableWarning("all"),
    .enableWarning("extra"),
]

/// The C libraries as archives, so that the program is one file to copy.
///
/// All in one list: an archive must come before those that it needs.
let archives: [LinkerSetting] = ["bpf", "elf", "z", "zstd"].map { .linkedLibrary(":lib\($0).a") }

let package = Package(
    name: "rstwho",
    products: [.executable(name: "rstwho", targets: ["rstwho"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        .target(name: "CPacket", cSettings: strictC),
        .target(
            name: "CLibbpf",
            dependencies: ["CPacket"],
            cSettings: strictC,
            linkerSettings: archives
        ),
        .target(
            name: "CCompression", cSettings: strictC, linkerSettings: archives),
        .target(name: "CPage", cSettings: strictC),
        .target(name: "Packets", dependencies: ["CPacket"], swiftSettings: strict),
        .target(name: "Diagnosis", dependencies: ["CPacket", "Packets"], swiftSettings: strict),
        .target(
            name: "Capture", dependencies: ["CLibbpf", "CCompression", "CPacket", "Packets"], swiftSettings: strict),
        .target(
            name: "Probing", dependencies: ["CPacket", "Diagnosis", "Packets"], swiftSettings: strict),
        .target(name: "Reporting", dependencies: ["CPacket", "Diagnosis", "Packets"], swiftSettings: strict),
        .target(
            name: "Explanation", dependencies: ["CPacket", "Diagnosis", "Packets", "Reporting"], swiftSettings: strict),
        .target(
            name: "Fleet", dependencies: ["CPacket", "Diagnosis", "Explanation", "Packets", "Reporting"],
            swiftSettings: strict),
        .target(
            name: "Annotation", dependencies: ["CPacket", "Capture", "Diagnosis", "Packets", "Reporting"],
            swiftSettings: strict),
        .target(
            name: "YAML", dependencies: [.product(name: "Yams", package: "Yams")], swiftSettings: strict),
        .target(
            name: "Agent",
            dependencies: [
                "CCompression", "CPacket", "CPage", "Capture", "Diagnosis", "Explanation", "Fleet", "Packets",
                "Reporting",
                "YAML", .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "rstwho",
            dependencies: [
                "Agent", "Annotation", "Capture", "Diagnosis", "Explanation", "Fleet", "Packets", "Probing",
                "Reporting",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "Fixtures", dependencies: ["CCompression", "CPacket", "Diagnosis", "Packets"],
            path: "Tests/Support/Fixtures", swiftSettings: strict),
        .target(
            name: "BPFHarness", dependencies: ["CLibbpf", "CPacket"], path: "Tests/Support/BPFHarness",
            cSettings: strictC),
        .testTarget(
            name: "BPFTests", dependencies: ["BPFHarness", "CPacket", "Packets", "Fixtures"],
            path: "Tests/Kernel/BPFTests", swiftSettings: strict),
        .testTarget(
            name: "CPacketTests", dependencies: ["CPacket", "Packets", "Fixtures"], path: "Tests/Unit/CPacketTests",
            swiftSettings: strict),
        .testTarget(
            name: "PacketsTests", dependencies: ["Packets", "Fixtures"], path: "Tests/Unit/PacketsTests",
            swiftSettings: strict),
        .testTarget(
            name: "DiagnosisTests", dependencies: ["CPacket", "Diagnosis", "Packets", "Fixtures"],
            path: "Tests/Unit/DiagnosisTests", swiftSettings: strict),
        .testTarget(
            name: "CaptureTests",
            dependencies: ["Capture", "CPacket", "Diagnosis", "Packets", "Fixtures"],
            path: "Tests/Unit/CaptureTests", swiftSettings: strict),
        .testTarget(
            name: "FleetTests",
            dependencies: ["CPacket", "Diagnosis", "Explanation", "Fleet", "Packets", "Reporting", "Fixtures"],
            path: "Tests/Unit/FleetTests", swiftSettings: strict),
        .testTarget(
            name: "ProbingTests", dependencies: ["CPacket", "Diagnosis", "Probing", "Packets", "Fixtures"],
            path: "Tests/Unit/ProbingTests", swiftSettings: strict),
        .testTarget(
            name: "ReportingTests",
            dependencies: ["Capture", "CPacket", "Explanation", "Reporting", "Diagnosis", "Packets", "Fixtures"],
            path: "Tests/Unit/ReportingTests", swiftSettings: strict),
        .testTarget(
            name: "AnnotationTests",
            dependencies: ["Annotation", "Capture", "CPacket", "Diagnosis", "Packets", "Reporting", "Fixtures"],
            path: "Tests/Unit/AnnotationTests", swiftSettings: strict),
        .target(
            name: "FuzzCases",
            dependencies: [
                "Capture", "CPacket", "Explanation", "Packets", "Reporting", "Fixtures", "YAML",
                .product(name: "Yams", package: "Yams"),
            ],
            path: "Tests/Fuzz/Cases", swiftSettings: strict),
        .testTarget(
            name: "FuzzRegressionTests", dependencies: ["FuzzCases"], path: "Tests/Fuzz/Replay", swiftSettings: strict),
        .testTarget(
            name: "AgentTests",
            dependencies: [
                "Agent", "Capture", "CPacket", "Diagnosis", "Explanation", "Fixtures", "Fleet", "Packets", "Reporting",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Tests/Unit/AgentTests", swiftSettings: strict),
        .executableTarget(name: "lab-traffic", path: "Tests/Support/LabTraffic", cSettings: strictC),
        .executableTarget(
            name: "frame-generator", path: "Tests/Support/Generator", exclude: ["frames.bpf.c"], cSettings: strictC,
            linkerSettings: archives),
        .executableTarget(name: "capture-generator", path: "Benchmarks/Captures", cSettings: strictC),
        .executableTarget(
            name: "kernel-bench", dependencies: ["BPFHarness"], path: "Benchmarks/Kernel",
            exclude: ["bench.bpf.c", "dropping.bpf.c"],
            cSettings: strictC, linkerSettings: archives),
        .testTarget(
            name: "LabTests", dependencies: ["Packets", "frame-generator", "lab-traffic"], path: "Tests/Lab",
            exclude: ["Traffic"],
            swiftSettings: strict),
        .target(
            name: "LiveSupport", dependencies: ["CLibbpf"], path: "Tests/Support/LiveSupport", cSettings: strictC),
        .executableTarget(
            name: "edge-frames", dependencies: ["BPFHarness", "CPacket", "Fixtures"], path: "Tests/Support/EdgeFrames",
            swiftSettings: strict),
        .executableTarget(
            name: "live-holder", dependencies: ["Capture"], path: "Tests/Support/LiveHolder", swiftSettings: strict),
        .testTarget(
            name: "LiveTests",
            dependencies: ["CLibbpf", "CPacket", "Capture", "Packets", "Fixtures", "LiveSupport", "live-holder"],
            path: "Tests/Live",
            swiftSettings: strict),
        .target(name: "CCounting", path: "Benchmarks/Counting", cSettings: strictC),
        .executableTarget(
            name: "engine-bench", dependencies: ["CCounting", "CPacket", "Diagnosis", "Packets"],
            path: "Benchmarks/Engine", swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c2x
)

// Tests/Fuzz/run builds the fuzzer with its own build directory and sanitizers. Nothing else can link it: it needs
// libFuzzer, and a main function that libFuzzer calls.
if Context.environment["RSTWHO_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "rstwhofuzz", dependencies: ["FuzzCases"], path: "Tests/Fuzz/Driver",
            swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])]))
}

// `make fleet` builds the program that talks to the fleet's store. It needs TLS, which takes longer to build than all
// else that `make` and `make test` build: docs/decisions/0045-a-program-of-its-own-for-the-store.md.
if Context.environment["RSTWHO_FLEET"] != nil {
    package.products.append(.executable(name: "rstwho-fleet", targets: ["rstwho-fleet"]))
    package.dependencies += [
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    ]
    package.targets += [
        .target(name: "CFleetSQL", exclude: ["sql"], cSettings: strictC),
        .target(
            name: "FleetStore",
            dependencies: [
                "CFleetSQL", "Explanation", "Fleet", "Packets", "Reporting", "YAML",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPCompression", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "rstwho-fleet",
            dependencies: [
                "Explanation", "Fleet", "FleetStore", "Packets", "Reporting",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "FleetStoreTests", dependencies: ["Fleet", "FleetStore", "Packets"],
            path: "Tests/Unit/FleetStoreTests", swiftSettings: strict),
    ]
}
