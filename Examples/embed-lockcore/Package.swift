// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "embed-lockcore",
    dependencies: [.package(name: "holdfast", path: "../..")],
    targets: [
        .executableTarget(
            name: "embed-lockcore",
            dependencies: [
                .product(name: "LockCore", package: "holdfast"),
                .product(name: "LockInMemory", package: "holdfast"),
            ])
    ],
    swiftLanguageModes: [.v6]
)
