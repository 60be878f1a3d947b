#if Sanlock
import DaemonHarness
import Glibc
import LockCore
import Testing

@testable import LockSanlock

extension SanlockTests {
    /// The lease of the global lock, with two real hosts.
    @Suite struct GlobalLockLeaseTests {
        private let group = Lockspace.ID(kind: .sanlock, volumeGroup: "vg0")

        private func volumeGroup(
            _ disk: TestDisk, _ calls: SanlockCalls
        ) async throws -> (SanlockLockManager, LeaseVolume) {
            let manager = disk.manager(calls)
            _ = try await manager.initialise(
                VolumeGroupRequest(volumeGroup: "vg0", arguments: "lvmlock", globalLock: true))
            let volume = try LeaseVolume.read(
                disk.path, lockspace: "lvm_vg0", calls, doing: "test"
            ).volume
            return (manager, volume)
        }

        @Test(arguments: TestDisk.Kind.allCases)
        func `the global lock is disabled and enabled`(kind: TestDisk.Kind) async throws {
            let disk = try TestDisk(kind, mebibytes: kind == .loop4096 ? 544 : 68)
            let (manager, volume) = try await self.volumeGroup(
                disk, try await RealDaemon.calls())
            try await manager.actAsMember(of: volume)
            for enabled in [false, true, true, false] {
                try await manager.setGlobalLock(
                    self.group, enabled: enabled, exclusively: false)
                #expect(try await manager.carriesGlobalLock(self.group) == enabled)
            }
            #expect(try volume.names(65...66) == ["_GLLK_disabled", "VGLK"])
        }

        @Test func `a lease of another name is no global lock, and the message says which`()
            async throws
        {
            let disk = try TestDisk(.file, mebibytes: 68)
            let (manager, volume) = try await self.volumeGroup(
                disk, try await RealDaemon.calls())
            try await manager.actAsMember(of: volume)
            try volume.write("invalid_removed", at: volume.layout.globalLock)
            let error = await #expect(throws: LockManagerError.self) {
                try await manager.carriesGlobalLock(self.group)
            }
            #expect(error?.code == .badArguments)
            #expect(error?.advice.contains("\"invalid_removed\"") == true)
        }

        @Test func `an exclusive change takes the global lock from nobody`() async throws {
            let calls = try await RealDaemon.calls()
            let disk = try TestDisk(.file, mebibytes: 68)
            let (manager, volume) = try await self.volumeGroup(disk, calls)
            let peer = try TestDaemon(name: "peer")
            try peer.awaitAnswers()
            try peer.client("add_lockspace -s lvm_vg0:2:\(disk.path):0 -o 1")
            let lease = "lvm_vg0:GLLK:\(disk.path):\(volume.layout.globalLock)"
            let holder = try Keeper(
                script: "export SANLOCK_RUN_DIR=\(peer.folder);"
                    + "exec sanlock client command -r \(lease) -c /bin/cat"
            )
            try peer.awaitHold(of: "GLLK")

            let lockspace = Lockspace(
                volumeGroup: "vg0", kind: .sanlock, arguments: "1.0.0:lvmlock", hostID: 1)
            let prepared = try await manager.prepare(lockspace, JoinOptions())
            #expect(prepared.carriesGlobalLock)
            _ = try await manager.join(prepared, JoinOptions())
            let error = await #expect(throws: LockManagerError.self) {
                try await manager.setGlobalLock(self.group, enabled: false, exclusively: true)
            }
            #expect(error?.code == .contended)
            #expect(try await manager.carriesGlobalLock(self.group))

            holder.end()
            try peer.awaitRelease(
                of: volume.record("GLLK", at: volume.layout.globalLock), calls)
            try await manager.setGlobalLock(self.group, enabled: false, exclusively: true)
            #expect(try await manager.carriesGlobalLock(self.group) == false)
            // Who asks for it now hears that it is disabled.
            let global = Resource(Resource.ID(lockspace: self.group, name: .global))
            let disabled = await #expect(throws: LockManagerError.self) {
                try await manager.acquire(global, .exclusive, AcquireOptions())
            }
            #expect(disabled?.code == .globalLockDisabled)
            try await manager.leave(self.group, .stopped)
        }
    }
}

extension TestDaemon {
    /// Returns when some process holds the resource on this host.
    func awaitHold(of resource: String) throws {
        for _ in 0..<2000 {
            if try self.client("status").contains(":\(resource):") { return }
            usleep(5000)
        }
        throw TestError("nobody came to hold \(resource): \(try self.client("status"))")
    }

    /// Returns when storage says that nobody holds the lease; its owner's process has ended.
    func awaitRelease(of lease: ResourceRecord, _ calls: SanlockCalls) throws {
        for _ in 0..<2000 {
            if try calls.readOwners(lease).1.isEmpty { return }
            usleep(5000)
        }
        throw TestError("the lease stayed held: \(try self.client("status"))")
    }
}
#endif
