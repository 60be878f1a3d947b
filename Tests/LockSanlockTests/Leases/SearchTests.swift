#if Sanlock
import LockCore
import Testing

@testable import LockSanlock

extension SanlockTests {
    /// The search for free leases, on real storage.
    @Suite struct SearchTests {
        private let group = Lockspace.ID(kind: .sanlock, volumeGroup: "vg0")

        /// A volume group that this host takes itself for a member of.
        private func joined(
            _ disk: TestDisk, _ calls: SanlockCalls
        ) async throws -> (SanlockLockManager, LeaseVolume) {
            let manager = disk.manager(calls)
            _ = try await manager.initialise(
                VolumeGroupRequest(volumeGroup: "vg0", arguments: "lvmlock", leaseMiB: 1))
            let volume = try LeaseVolume.read(
                disk.path, lockspace: "lvm_vg0", calls, doing: "test"
            ).volume
            try await manager.actAsMember(of: volume)
            return (manager, volume)
        }

        private func request(_ uuid: String, previous: String = "") -> LogicalVolumeRequest {
            LogicalVolumeRequest(
                volumeGroup: "vg0", groupArguments: "1.0.0:lvmlock",
                volume: LogicalVolume(uuid: uuid), previousArguments: previous)
        }

        @Test(arguments: TestDisk.Kind.allCases)
        func `volumes get the leases one after the other, and none past the end`(
            kind: TestDisk.Kind
        ) async throws {
            let disk = try TestDisk(kind, mebibytes: 70)
            let (manager, volume) = try await self.joined(disk, try await RealDaemon.calls())
            for index in 67...69 {
                try await manager.findFreeLease(in: self.group, volumeBytes: 70 << 20)
                let arguments = try await manager.allocateLease(self.request("volume-\(index)"))
                #expect(arguments == "1.0.0:\(index << 20)")
            }
            #expect(try volume.names(67...69) == ["volume-67", "volume-68", "volume-69"])
            for bytes in [70 << 20, 0] as [UInt64] {
                let error = await #expect(throws: LockManagerError.self) {
                    try await manager.findFreeLease(in: self.group, volumeBytes: bytes)
                }
                #expect(error?.code == .leaseBeyondStorage)
            }
            let error = await #expect(throws: LockManagerError.self) {
                try await manager.allocateLease(self.request("one-more"))
            }
            #expect(error?.code == .leaseBeyondStorage)
            #expect(error?.advice.contains("extend that volume") == true)
        }

        @Test(arguments: TestDisk.Kind.allCases)
        func `an extended volume's new places are used though nobody formatted them`(
            kind: TestDisk.Kind
        ) async throws {
            let disk = try TestDisk(kind, mebibytes: 68)
            let (manager, volume) = try await self.joined(disk, try await RealDaemon.calls())
            _ = try await manager.allocateLease(self.request("first"))
            await #expect(throws: LockManagerError.self) {
                try await manager.findFreeLease(in: self.group, volumeBytes: 68 << 20)
            }
            try disk.grow(toMebibytes: 70)
            try await manager.findFreeLease(in: self.group, volumeBytes: 70 << 20)
            #expect(try volume.content(at: 68 << 20) == .unformatted)
            #expect(
                try await manager.allocateLease(self.request("next")) == "1.0.0:\(68 << 20)")
            #expect(try volume.names(67...68) == ["first", "next"])
        }

        @Test func `metadata that is ahead of the device leads to no lease past its end`()
            async throws
        {
            let disk = try TestDisk(.loop512, mebibytes: 68)
            let (manager, _) = try await self.joined(disk, try await RealDaemon.calls())
            _ = try await manager.allocateLease(self.request("first"))
            let error = await #expect(throws: LockManagerError.self) {
                try await manager.findFreeLease(in: self.group, volumeBytes: 100 << 20)
            }
            #expect(error?.code == .leaseBeyondStorage)
        }

        @Test func `a lease that was given up is found after going around`() async throws {
            let disk = try TestDisk(.loop512, mebibytes: 72)
            let (manager, volume) = try await self.joined(disk, try await RealDaemon.calls())
            for index in 67...71 {
                _ = try await manager.allocateLease(self.request("v\(index)"))
            }
            try await manager.freeLease(self.resource("v68", at: 68 << 20))
            #expect(try volume.names(67...69) == ["v67", "#unused", "v69"])
            try await manager.findFreeLease(in: self.group, volumeBytes: 72 << 20)
            #expect(
                try await manager.allocateLease(self.request("again")) == "1.0.0:\(68 << 20)")
        }

        @Test(arguments: TestDisk.Kind.allCases)
        func `the one free lease among many takes few questions to the daemon`(
            kind: TestDisk.Kind
        ) async throws {
            let live = try await RealDaemon.calls()
            let disk = try TestDisk(kind, mebibytes: 67 + 150)
            let counter = CallCounter()
            let (manager, volume) = try await self.joined(disk, counter.watching(live))
            for index in 67..<217 where index != 200 {
                try volume.write("volume-\(index)", at: UInt64(index) << 20)
            }
            try await manager.findFreeLease(in: self.group, volumeBytes: 217 << 20)
            #expect(counter.reads == 2, "the first lease, and the one that looked free")
            #expect(
                try await manager.allocateLease(self.request("new")) == "1.0.0:\(200 << 20)")
            #expect(counter.reads == 3)
            await #expect(throws: LockManagerError.self) {
                try await manager.findFreeLease(in: self.group, volumeBytes: 217 << 20)
            }
            #expect(counter.reads == 4)
        }

        @Test func `without direct reading the daemon is asked about every lease`() async throws {
            let live = try await RealDaemon.calls()
            let disk = try TestDisk(.file, mebibytes: 90)
            let counter = CallCounter()
            let calls = counter.watching(live)
            let (_, volume) = try await self.joined(disk, calls)
            for index in 67..<85 { try volume.write("v\(index)", at: UInt64(index) << 20) }
            // One that gets no time to read.
            let search = LeaseSearch(
                volume: volume, scan: LeaseScan(), end: 90 << 20, seconds: -1, doing: "test")
            #expect(try await search.firstFree(from: 67 << 20) == 85 << 20)
            #expect(counter.reads == 19)
        }

        @Test func `what looks free but is not is not taken`() async throws {
            let live = try await RealDaemon.calls()
            let disk = try TestDisk(.file, mebibytes: 72)
            var calls = live
            // Another host takes the lease between the two readings.
            calls.readResource = { record throws(SanlockStatus) in
                if record.place.offset == 68 << 20 {
                    var taken = record
                    taken.lockspace = "lvm_vg0"
                    taken.name = "faster"
                    try live.writeResource(taken, [])
                }
                return try live.readResource(record)
            }
            let (manager, volume) = try await self.joined(disk, calls)
            try volume.write("first", at: 67 << 20)
            try await manager.findFreeLease(in: self.group, volumeBytes: 72 << 20)
            #expect(try await manager.allocateLease(self.request("new")) == "1.0.0:\(69 << 20)")
            #expect(try volume.names(68...69) == ["faster", "new"])
        }

        @Test func `a damaged lease is not free, and is in nobody's way`() async throws {
            let disk = try TestDisk(.loop512, mebibytes: 72)
            let (manager, volume) = try await self.joined(disk, try await RealDaemon.calls())
            try volume.write("first", at: 67 << 20)
            // The name no longer fits the checksum.
            try disk.overwrite(at: 68 << 20 + 110, bytes: 4, with: 0x41)
            try await manager.findFreeLease(in: self.group, volumeBytes: 72 << 20)
            #expect(try await manager.allocateLease(self.request("new")) == "1.0.0:\(69 << 20)")
            let error = #expect(throws: SanlockStatus.self) { try volume.content(at: 68 << 20) }
            #expect(error?.leaseFailure("test").code == .leaseCorrupt)
        }

        @Test
        func `leases of an earlier volume group on the storage count only if they are in use`()
            async throws
        {
            let calls = try await RealDaemon.calls()
            let disk = try TestDisk(.loop512, mebibytes: 72)
            let (manager, volume) = try await self.joined(disk, calls)
            var other = volume
            other.lockspace = "lvm_earlier"
            try volume.write("first", at: 67 << 20)
            try other.write("in-use", at: 68 << 20)
            try other.write("#unused", at: 69 << 20)
            #expect(try await manager.allocateLease(self.request("new")) == "1.0.0:\(69 << 20)")
            let record = try calls.readResource(volume.record("new", at: 69 << 20))
            #expect(record.lockspace == "lvm_vg0")
        }

        @Test func `a volume that has a lease already gets no second`() async throws {
            let disk = try TestDisk(.file, mebibytes: 75)
            let (manager, volume) = try await self.joined(disk, try await RealDaemon.calls())
            for index in 67...69 { try volume.write("v\(index)", at: UInt64(index) << 20) }
            let error = await #expect(throws: LockManagerError.self) {
                try await manager.allocateLease(self.request("v69"))
            }
            #expect(error?.code == .leaseExists)
        }

        @Test func `without a membership the search goes on after the lease made before`()
            async throws
        {
            let calls = try await RealDaemon.calls()
            let disk = try TestDisk(.file, mebibytes: 72)
            _ = try await self.joined(disk, calls)
            let counter = CallCounter()
            let manager = disk.manager(counter.watching(calls))
            var last = "none"
            for index in 67...71 {
                last = try await manager.allocateLease(
                    self.request("v\(index)", previous: last))
                #expect(last == "1.0.0:\(index << 20)")
            }
            #expect(counter.reads == 5)
        }

        private func resource(_ uuid: String, at offset: UInt64) -> Resource {
            Resource(
                Resource.ID(lockspace: self.group, name: .logicalVolume(uuid)),
                arguments: VolumeArguments(offset: offset).description)
        }

        @Test func `only the volume's own lease is given up`() async throws {
            let disk = try TestDisk(.file, mebibytes: 70)
            let (manager, volume) = try await self.joined(disk, try await RealDaemon.calls())
            try volume.write("mine", at: 67 << 20)
            for (uuid, offset, code) in [
                ("other", 67 << 20, .badArguments), ("mine", 65 << 20, .badArguments),
                ("mine", 67 << 20 + 512, .badArguments), ("mine", 100 << 20, nil),
            ] as [(String, UInt64, LockErrorCode?)] {
                let answer = await Result {
                    try await manager.freeLease(self.resource(uuid, at: offset))
                }
                #expect(answer.code == code, "\(uuid) at \(offset)")
            }
            #expect(try volume.names(65...67) == ["GLLK", "VGLK", "mine"])
            try await manager.freeLease(self.resource("mine", at: 67 << 20))
            #expect(try volume.names(67...67) == ["#unused"])
            // A second time there is nothing left to do.
            try await manager.freeLease(self.resource("mine", at: 67 << 20))
        }

        @Test func `in a lockspace that is not joined there is nothing to find or give up`()
            async throws
        {
            let disk = try TestDisk(.file, mebibytes: 70)
            let manager = disk.manager(try await RealDaemon.calls())
            let answers = [
                await Result {
                    try await manager.findFreeLease(in: self.group, volumeBytes: 0)
                },
                await Result { try await manager.freeLease(self.resource("v", at: 67 << 20)) },
                await Result { _ = try await manager.carriesGlobalLock(self.group) },
            ]
            for answer in answers { #expect(answer.code == .lockspaceNotFound) }
        }
    }
}

extension Result where Success == Void, Failure == any Error {
    /// What a call came to.
    init(_ body: () async throws -> Void) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }

    /// Why it failed; nil if it did not.
    var code: LockErrorCode? {
        if case .failure(let error as LockManagerError) = self { error.code } else { nil }
    }
}
#endif
