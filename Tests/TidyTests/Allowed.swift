/// What each target may import, besides the standard library. Folders are told apart by the
/// longest prefix that matches; a folder that is not listed may import anything.
enum AllowedImports {
    private static let modules: [String: Set<String>] = [
        "Sources/LockCore/": [],
        "Sources/LockCore/Runtime/": ["Synchronization", "Dispatch"],
        "Sources/LockInMemory/": ["LockCore", "Dispatch", "Synchronization"],
        "Sources/LockDLM/": ["LockCore", "CDLM", "Glibc", "Dispatch", "Synchronization"],
        "Sources/LockSanlock/": [
            "LockCore", "CSanlock", "Glibc", "Dispatch", "Synchronization",
        ],
        "Sources/holdfast-sanlock-kill/": ["Glibc"],
        "Sources/LockIDM/": ["LockCore", "Glibc", "Synchronization"],
        "Sources/LockIDMEmulation/": [
            "LockCore", "LockIDM", "Glibc", "Dispatch",
        ],
        "Sources/LockTesting/": ["LockCore"],
        "Sources/LockTesting/Agent/": ["LockCore", "Glibc", "Dispatch"],
        "Sources/HostAgent/": [
            "LockCore", "LockTesting", "LockDLM", "LockSanlock", "LockIDM", "LockIDMEmulation",
            "Glibc",
        ],
        "Sources/LVMWire/": ["LockCore"],
        "Sources/LVMClient/": ["LVMWire", "Glibc", "Musl"],
        "Sources/LockServer/": [
            "LockCore", "LVMWire", "CLockServer", "Glibc", "Dispatch", "Synchronization",
        ],
        "Sources/holdfastd/": [
            "LockCore", "LockDLM", "LockIDM", "LockInMemory", "LockSanlock", "LVMWire",
            "LockServer", "ArgumentParser", "Logging", "ServiceLifecycle", "Glibc", "Musl",
            "Dispatch", "Synchronization", "UnixSignals",
        ],
    ]

    static func allows(_ module: String, in path: String) -> Bool {
        let folder = Self.modules.keys.filter { path.hasPrefix($0) }.max { $0.count < $1.count }
        return folder.flatMap { Self.modules[$0] }?.contains(module) ?? true
    }
}

/// Files that may turn the compiler's data race checks off, each with its reason.
enum AllowedUnchecked {
    static let reasons = [
        "Sources/LockInMemory/ClusterBox.swift": "owns the queue that its state is behind",
        "Sources/LockCore/Runtime/Guarded.swift": "owns the queue that its value is behind",
        "Sources/LockServer/EventLoop.swift": "owns its thread, and the queue of others' calls",
        "Sources/LockServer/LoopBound.swift": "gives its value out on the loop's thread only",
        "Sources/LockTesting/Agent/AgentStream.swift": "owns the queue that its state is behind",
        "Tests/LockCoreTests/Runtime/Support.swift": "owns the queue that its value is behind",
        "Tests/LockSimulationTests/SeededExecutor.swift": "owns the queue that its state is behind",
        "Tests/LockSimulationTests/WatchedManager.swift": "owns the queues of its logs",
        "Tests/LockDLMTests/SimulatedKernel.swift": "owns the queue that its state is behind",
        "Tests/LockInMemoryTests/ManualClock.swift": "owns the queue that its state is behind",
    ]
}

/// The places of LockCore that may start tasks, by file, each with its reason.
enum AllowedTasks {
    static let reasons = [
        "Sources/LockCore/Runtime/LockspaceRunner.swift": "run(_:), which records the task",
        "Sources/LockCore/Runtime/LockService.swift": "run(_:), which records the task",
        "Sources/LockCore/Runtime/JoinedLockspace.swift": "a cancellation handler cannot wait",
    ]
}
