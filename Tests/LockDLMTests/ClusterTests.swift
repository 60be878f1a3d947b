import Foundation
import LockCore
import Testing

@testable import LockDLM

/// What the manager makes of the cluster around it.
@Suite struct ClusterTests {
    private static let id = Lockspace.ID(kind: .dlm, volumeGroup: "vg")

    private static func manager(
        control: DLMControl? = nil, watch: DaemonWatch = SimulatedDaemon().watch,
        change: (inout ClusterFiles, inout DLMCalls) -> Void = { _, _ in }
    ) -> DLMLockManager {
        let kernel = SimulatedKernel()
        var files = ClusterFiles(folder: "/nonexistent", device: "/nonexistent")
        files.clusterName = { "rig" }
        files.nodeID = { 3 }
        files.lockspaces = { kernel.lockspaces(of: 1) }
        files.obstacle = { nil }
        var calls = kernel.calls(1)
        change(&files, &calls)
        return DLMLockManager(calls: calls, files: files, watch: watch, control: control)
    }

    private static func error(
        preparing lockspace: Lockspace, with manager: DLMLockManager
    ) async -> LockManagerError? {
        await #expect(throws: LockManagerError.self) {
            try await manager.prepare(lockspace, JoinOptions())
        }
    }

    @Test func `lock arguments name the cluster`() async throws {
        let arguments = try await Self.manager().initialise(VolumeGroupRequest(volumeGroup: "vg"))
        #expect(arguments.arguments == "1.0.0:rig")
    }

    @Test func `without dlm_controld it says so`() async {
        let manager = Self.manager { files, _ in files.clusterName = { nil } }
        #expect(await !manager.isRunning())
        let error = await Self.error(
            preparing: Lockspace(volumeGroup: "vg", kind: .dlm, arguments: "1.0.0:rig"),
            with: manager)
        #expect(error?.code == .managerUnavailable)
        #expect(error?.advice.contains("dlm_controld") == true)
    }

    @Test(arguments: [
        ("1.0.0:other", "'other'"), ("nonsense", "VERSION:CLUSTER"), ("1.0.0:", "VERSION:CLUSTER"),
        ("2.0.0:rig", "later version"), ("x:rig", "VERSION:CLUSTER"),
    ])
    func `a volume group of another cluster is not started`(
        _ arguments: String, _ hint: String
    ) async {
        let error = await Self.error(
            preparing: Lockspace(volumeGroup: "vg", kind: .dlm, arguments: arguments),
            with: Self.manager())
        #expect(error?.code == .badArguments)
        #expect(error?.advice.contains(hint) == true)
    }

    @Test func `the global lockspace has no arguments`() async throws {
        let manager = Self.manager()
        let prepared = try await manager.prepare(Lockspace(globalOf: .dlm), JoinOptions())
        let membership = try await manager.join(prepared, JoinOptions())
        #expect(membership.hostID == 3)
        try await manager.leave(.global(kind: .dlm), .stopped)
    }

    @Test(arguments: [
        (Int32(EACCES), LockErrorCode.notPermitted), (ENOENT, .managerUnavailable),
    ])
    func `a device that cannot be used is told before libdlm waits for it`(
        _ number: Int32, _ code: LockErrorCode
    ) async {
        let manager = Self.manager { files, _ in
            files.obstacle = { DLMStatus(rawValue: number) }
        }
        let error = await Self.error(
            preparing: Lockspace(volumeGroup: "vg", kind: .dlm, arguments: "1.0.0:rig"),
            with: manager)
        #expect(error?.code == code)
        #expect(error?.status == number)
    }

    @Test func `a kernel that loses value blocks is refused`() async {
        let manager = Self.manager { _, calls in
            calls.kernelVersion = { .success(.withoutValues) }
        }
        let error = await Self.error(preparing: Lockspace(globalOf: .dlm), with: manager)
        #expect(error?.advice.contains("6.0.1") == true)
    }

    @Test func `a name that the kernel cannot keep is refused, not cut`() async throws {
        let manager = Self.manager()
        let long = String(repeating: "x", count: 61)
        let error = await Self.error(
            preparing: Lockspace(volumeGroup: long, kind: .dlm), with: manager)
        #expect(error?.code == .nameTooLong)

        let group = Lockspace(volumeGroup: String(long.dropLast()), kind: .dlm)
        _ = try await manager.join(manager.prepare(group, JoinOptions()), JoinOptions())
        for (count, isKept) in [(64, true), (65, false)] {
            let name = Resource.Name.logicalVolume(String(repeating: "y", count: count))
            let resource = Resource(Resource.ID(lockspace: group.id, name: name))
            if isKept {
                _ = try await manager.acquire(resource, .shared, AcquireOptions())
            } else {
                let error = await #expect(throws: LockManagerError.self) {
                    try await manager.acquire(resource, .shared, AcquireOptions())
                }
                #expect(error?.code == .nameTooLong)
            }
        }
    }

    @Test(arguments: [
        (Int32(EEXIST), LockErrorCode.lockspaceExists), (EUNATCH, .managerUnavailable),
        (EPERM, .notPermitted), (EIO, .managerFailed),
    ])
    func `what the kernel says to a join is passed on`(
        _ number: Int32, _ code: LockErrorCode
    ) async throws {
        let manager = Self.manager { _, calls in
            calls.create = { _ in .failure(DLMFailure(DLMStatus(rawValue: number))) }
        }
        let error = await #expect(throws: LockManagerError.self) {
            try await manager.join(Prepared(Lockspace(globalOf: .dlm)), JoinOptions())
        }
        #expect(error?.code == code)
        #expect(error?.status == number)
    }

    @Test func `what the kernel joined without libdlm noticing is left again`() async throws {
        let kernel = SimulatedKernel()
        let manager = Self.manager { files, calls in
            calls = kernel.calls(1)
            let create = calls.create
            files.lockspaces = { kernel.lockspaces(of: 1) }
            calls.create = { name in
                if case .success(let opened) = create(name) { kernel.calls(1).close(opened) }
                return .failure(DLMFailure(.notFound))
            }
        }
        let error = await #expect(throws: LockManagerError.self) {
            try await manager.join(Prepared(Lockspace(globalOf: .dlm)), JoinOptions())
        }
        #expect(error?.code == .managerUnavailable)
        #expect(kernel.lockspaces(of: 1).isEmpty)
    }

    @Test func `the end of dlm_controld is the loss of every lockspace`() async throws {
        let daemon = SimulatedDaemon()
        let manager = Self.manager(watch: daemon.watch)
        let membership = try await manager.join(
            Prepared(Lockspace(volumeGroup: "vg", kind: .dlm)), JoinOptions())
        let resource = Resource(Resource.ID(lockspace: Self.id, name: .volumeGroup))
        _ = try await manager.acquire(resource, .exclusive, AcquireOptions())
        daemon.end()
        let event = await manager.events.first { _ in true }
        #expect(event?.membership == membership.id)
        guard case .lost(_, let certainFor) = event?.what else {
            Issue.record("it is not lost: \(String(describing: event))")
            return
        }
        #expect(certainFor == .zero)
        let error = await #expect(throws: LockManagerError.self) {
            try await manager.convert(resource.id, to: .shared, writing: nil)
        }
        #expect(error?.code == .lockLost)
        try await manager.release(resource.id, writing: nil)
        try await manager.leave(Self.id, .dropped)
    }

    @Test func `the cluster is read from configfs`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        func write(_ text: String, _ path: String) throws {
            let file = folder.appending(path: path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        defer { _ = try? FileManager.default.removeItem(at: folder) }
        let files = ClusterFiles(folder: folder.path, device: folder.path + "/device")
        #expect(files.clusterName() == nil)
        #expect(files.lockspaces().isEmpty)
        #expect(files.obstacle() == .notFound)
        try write("rig\n", "cluster_name")
        for (node, isLocal) in [("1", "0\n"), ("2", "1\n")] {
            try write(isLocal, "comms/\(node)/local")
            try write("\(node)\n", "comms/\(node)/nodeid")
            try write("", "spaces/lvm_vg/nodes/\(node)/weight")
        }
        try write("", "device")
        #expect(files.clusterName() == "rig")
        #expect(files.nodeID() == 2)
        #expect(files.lockspaces() == ["lvm_vg": 2])
        #expect(files.obstacle() == nil)
    }
}
