// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "holdfast",
    products: [
        .library(name: "LockCore", targets: ["LockCore"]),
        .library(name: "LockInMemory", targets: ["LockInMemory"]),
    ],
    targets: [
        .target(name: "LockCore"),
        .target(name: "LockInMemory", dependencies: ["LockCore"]),
        .testTarget(
            name: "LockCoreTests", dependencies: ["LockCore", "LockInMemory"],
            exclude: ["Transcripts"]),
        .testTarget(name: "LockInMemoryTests", dependencies: ["LockCore", "LockInMemory"]),
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
