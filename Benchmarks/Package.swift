// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "benchmarks",
    dependencies: [
        .package(name: "holdfast", path: "../"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
    ],
    targets: [
        .systemLibrary(name: "CEpoll"),
        .systemLibrary(
            name: "CSanlockClient", pkgConfig: "libsanlock_client",
            providers: [.apt(["libsanlock-dev"])]),
        .target(
            name: "LoadGenerator",
            dependencies: [
                "CEpoll",
                .product(name: "LVMClient", package: "holdfast"),
                .product(name: "LVMWire", package: "holdfast"),
            ]),
        .executableTarget(
            name: "lockload",
            dependencies: [
                "LoadGenerator",
                .product(name: "LVMClient", package: "holdfast"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .executableTarget(
            name: "lockcontend",
            dependencies: [
                "LoadGenerator",
                .product(name: "LVMClient", package: "holdfast"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .executableTarget(
            name: "dlmcompare",
            dependencies: [
                "LoadGenerator",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .executableTarget(
            name: "sanlockload",
            dependencies: [
                "CSanlockClient", "LoadGenerator",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .executableTarget(
            name: "lockcompare",
            dependencies: [
                "LoadGenerator",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .target(
            name: "EngineDriver",
            dependencies: [.product(name: "LockCore", package: "holdfast")]),
        .executableTarget(
            name: "lockmemory",
            dependencies: [
                "EngineDriver",
                .product(name: "LockCore", package: "holdfast"),
            ]),
        .executableTarget(
            name: "EngineBenchmarks",
            dependencies: [
                "EngineDriver",
                .product(name: "Benchmark", package: "benchmark"),
                .product(name: "LockCore", package: "holdfast"),
                .product(name: "LockServer", package: "holdfast"),
                .product(name: "LVMClient", package: "holdfast"),
                .product(name: "LVMWire", package: "holdfast"),
            ],
            path: "EngineBenchmarks",
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
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
