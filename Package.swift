// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "holdfast",
    products: [
        .library(name: "LockCore", targets: ["LockCore"]),
        .library(name: "LockInMemory", targets: ["LockInMemory"]),
        .library(name: "LVMWire", targets: ["LVMWire"]),
        .library(name: "LVMClient", targets: ["LVMClient"]),
    ],
    targets: [
        .target(name: "LockCore"),
        .target(name: "LockInMemory", dependencies: ["LockCore"]),
        .target(name: "LVMWire", dependencies: ["LockCore"]),
        .target(name: "LVMClient", dependencies: ["LVMWire"]),
        .testTarget(
            name: "LockCoreTests", dependencies: ["LockCore", "LockInMemory"],
            exclude: ["Transcripts"]),
        .testTarget(name: "LockInMemoryTests", dependencies: ["LockCore", "LockInMemory"]),
        .testTarget(name: "LVMWireTests", dependencies: ["LockCore", "LVMWire", "LVMClient"]),
    ],
    swiftLanguageModes: [.v6]
)

for target in package.targets {
    target.swiftSettings = [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        .treatAllWarnings(as: .error),
    ]
}
