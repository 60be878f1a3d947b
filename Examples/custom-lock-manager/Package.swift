// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "custom-lock-manager",
    products: [.library(name: "LockFolder", targets: ["LockFolder"])],
    dependencies: [.package(name: "holdfast", path: "../..")],
    targets: [
        .target(
            name: "LockFolder",
            dependencies: [.product(name: "LockCore", package: "holdfast")],
            swiftSettings: [.enableUpcomingFeature("InternalImportsByDefault")]),
        .executableTarget(
            name: "custom-lock-manager",
            dependencies: ["LockFolder", .product(name: "LockCore", package: "holdfast")]),
        .testTarget(
            name: "LockFolderTests",
            dependencies: ["LockFolder", .product(name: "LockTesting", package: "holdfast")]),
    ],
    swiftLanguageModes: [.v6]
)
