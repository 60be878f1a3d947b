// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "holdfast",
    products: [
        .library(name: "LockCore", targets: ["LockCore"]),
        .library(name: "LockInMemory", targets: ["LockInMemory"]),
        .library(name: "LockDLM", targets: ["LockDLM"]),
        .library(name: "LockSanlock", targets: ["LockSanlock"]),
        .library(name: "LockIDM", targets: ["LockIDM"]),
        .library(name: "LockIDMEmulation", targets: ["LockIDMEmulation"]),
        .library(name: "LockTesting", targets: ["LockTesting"]),
        .library(name: "LVMWire", targets: ["LVMWire"]),
        .library(name: "LVMClient", targets: ["LVMClient"]),
        .library(name: "LockServer", targets: ["LockServer"]),
        .executable(name: "holdfastd", targets: ["holdfastd"]),
        .executable(name: "holdfast-sanlock-kill", targets: ["holdfast-sanlock-kill"]),
        .executable(name: "HostAgent", targets: ["HostAgent"]),
    ],
    traits: [
        .trait(name: "Sanlock", description: "The lock manager on libsanlock_client"),
        .trait(name: "DLM", description: "The lock manager on libdlm"),
        .default(enabledTraits: ["Sanlock", "DLM"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(
            url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .target(name: "LockCore"),
        .target(name: "LockInMemory", dependencies: ["LockCore"]),
        .systemLibrary(
            name: "CDLM", pkgConfig: "libdlm",
            providers: [.apt(["libdlm-dev"]), .yum(["dlm-devel"])]),
        .target(
            name: "LockDLM",
            dependencies: [
                "LockCore",
                .target(name: "CDLM", condition: .when(traits: ["DLM"])),
            ]),
        .systemLibrary(
            name: "CSanlock", pkgConfig: "libsanlock_client",
            providers: [.apt(["libsanlock-dev"]), .yum(["sanlock-devel"])]),
        .target(
            name: "LockSanlock",
            dependencies: [
                "LockCore",
                .target(name: "CSanlock", condition: .when(traits: ["Sanlock"])),
            ]),
        .executableTarget(name: "holdfast-sanlock-kill"),
        .target(name: "LockIDM", dependencies: ["LockCore"]),
        .target(name: "LockIDMEmulation", dependencies: ["LockCore", "LockIDM"]),
        .target(name: "LockTesting", dependencies: ["LockCore"]),
        .executableTarget(
            name: "HostAgent",
            dependencies: [
                "LockCore", "LockDLM", "LockIDM", "LockIDMEmulation", "LockSanlock", "LockTesting",
            ]),
        .target(name: "LVMWire", dependencies: ["LockCore"]),
        .target(name: "LVMClient", dependencies: ["LVMWire"]),
        .systemLibrary(name: "CLockServer"),
        .target(
            name: "LockServer", dependencies: ["LockCore", "LVMWire", "CLockServer"]),
        .executableTarget(
            name: "holdfastd",
            dependencies: [
                "LockCore", "LockDLM", "LockIDM", "LockInMemory", "LockSanlock", "LVMWire",
                "LockServer", "holdfast-sanlock-kill",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
        .testTarget(
            name: "LockCoreTests", dependencies: ["LockCore", "LockInMemory"],
            exclude: ["Transcripts"]),
        .testTarget(
            name: "LockSimulationTests",
            dependencies: ["LockCore", "LockInMemory", "LockTesting"]),
        .target(name: "DaemonHarness", path: "Tests/DaemonHarness"),
        .testTarget(
            name: "DifferentialTests",
            dependencies: ["DaemonHarness", "LockInMemory", "holdfastd"]),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "DaemonHarness", "LockCore", "LockIDM", "LockIDMEmulation", "holdfastd",
            ]),
        .testTarget(
            name: "LockSanlockTests",
            dependencies: [
                "LockCore", "LockSanlock", "LockTesting", "DaemonHarness", "HostAgent",
                "holdfast-sanlock-kill",
            ]),
        .testTarget(
            name: "ClusterTests",
            dependencies: ["DaemonHarness", "LockCore", "LockInMemory", "LockTesting"],
            exclude: ["Transcripts"]),
        .testTarget(
            name: "LockDLMTests",
            dependencies: ["LockCore", "LockDLM", "LockInMemory", "LockTesting"]),
        .testTarget(name: "TidyTests"),
        .testTarget(name: "LockInMemoryTests", dependencies: ["LockCore", "LockInMemory"]),
        .testTarget(
            name: "LockTestingTests",
            dependencies: [
                "DaemonHarness", "LockCore", "LockInMemory", "LockTesting", "HostAgent",
            ]),
        .testTarget(
            name: "LockIDMTests",
            dependencies: [
                "DaemonHarness", "LockCore", "LockIDM", "LockIDMEmulation", "LockTesting",
                "HostAgent",
            ]),
        .testTarget(name: "LVMWireTests", dependencies: ["LockCore", "LVMWire", "LVMClient"]),
        .testTarget(
            name: "LockServerTests",
            dependencies: ["DaemonHarness", "LockCore", "LockInMemory", "LockServer", "holdfastd"]),
    ],
    swiftLanguageModes: [.v6]
)

for target in package.targets where target.type != .system {
    target.swiftSettings = [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        .treatAllWarnings(as: .error),
    ]
}
