#if Sanlock
import Glibc
import LockCore
import Testing

@testable import LockSanlock

extension SanlockTests {
    /// What a real daemon on healthy storage does not do: scripted.
    @Suite struct LeaseFaultTests {
        /// The version of a daemon that everything newer than 3.8.5 is new to.
        private static let old: UInt32 = 0x0308_0500

        private func calls(version: UInt32) -> SanlockCalls {
            var calls = SanlockCalls.live
            calls.version = { () throws(SanlockStatus) in version }
            calls.writeLockspace = { _, _, _ throws(SanlockStatus) in throw .errno(EIO) }
            calls.writeResource = { _, _ throws(SanlockStatus) in throw .errno(EIO) }
            return calls
        }

        @Test(arguments: [
            ("notimeout", "4.2"), ("persist", "4.2"), ("notimeout,persist", "4.2"),
            ("caw", "5.0"),
        ])
        func `an older daemon is not asked for what it would ignore`(
            wanted: String, needs: String
        ) async throws {
            let disk = try TestDisk(.file, mebibytes: 68)
            let request = VolumeGroupRequest(
                volumeGroup: "vg0", arguments: "lvmlock", wanted: wanted)
            let manager = disk.manager(self.calls(version: Self.old))
            let error = await #expect(throws: LockManagerError.self) {
                try await manager.initialise(request)
            }
            #expect(error?.code == .badArguments)
            #expect(error?.advice.contains("sanlock \(needs); this host runs 3.8") == true)
            #expect(await !manager.supports(request))
            await #expect(throws: LockManagerError.self) {
                try await manager.changeArguments(
                    VolumeGroupRequest(
                        volumeGroup: "vg0", arguments: "1.0.0:lvmlock", wanted: wanted))
            }
        }

        private static let versions: [(UInt32, String, Bool)] = [
            (0x0401_0000, "timeout", false), (0x0402_0000, "timeout", true),
            (0x0402_0000, "notimeout,persist", true), (0x0402_0000, "caw", false),
            (0x0500_0000, "caw", true), (0x0500_0000, "fast", false), (0x0500_0000, "", false),
        ]

        @Test(arguments: Self.versions)
        func `lock arguments can change where the daemon can change them`(
            version: UInt32, wanted: String, supported: Bool
        ) async throws {
            let disk = try TestDisk(.file, mebibytes: 68)
            let manager = disk.manager(self.calls(version: version))
            let request = VolumeGroupRequest(
                volumeGroup: "vg0", arguments: "1.0.0:lvmlock", wanted: wanted)
            #expect(await manager.supports(request) == supported)
        }

        @Test
        func `a newer daemon is told what the lockspace is to be, and the arguments say it`()
            async throws
        {
            let disk = try TestDisk(.file, mebibytes: 68)
            let (writes, record) = AsyncStream.makeStream(of: String.self)
            var calls = SanlockCalls.live
            calls.version = { () throws(SanlockStatus) in 0x0500_0000 }
            calls.writeLockspace = { lockspace, flags, _ throws(SanlockStatus) in
                record.yield("\(lockspace.flags.contains(.noTimeout)) \(flags.rawValue)")
            }
            calls.writeResource = { lease, flags throws(SanlockStatus) in
                record.yield("\(lease.name) \(flags.rawValue)")
            }
            let made = try await disk.manager(calls).initialise(
                VolumeGroupRequest(
                    volumeGroup: "vg0", arguments: "lvmlock", wanted: "notimeout,persist,caw"))
            #expect(made.arguments == "2.0.0:lvmlock:notimeout:persist")
            record.finish()
            let all = await writes.reduce(into: []) { $0.append($1) }
            // Unused leases are not the place to find out what storage can do.
            #expect(all == ["true 2", "GLLK 2", "VGLK 2", "#unused 4"])
        }

        private static let failures: [(SanlockStatus, LockErrorCode)] = [
            (SanlockStatus(rawValue: -202), .ioTimedOut), (.errno(EIO), .storageFailed),
            (.errno(EACCES), .deviceUnavailable), (.errno(ENODEV), .deviceUnavailable),
            (.errno(ECONNREFUSED), .managerUnavailable), (.errno(ENOENT), .deviceUnavailable),
        ]

        @Test(arguments: Self.failures)
        func `a failure to format keeps its meaning and its number`(
            status: SanlockStatus, code: LockErrorCode
        ) async throws {
            let disk = try TestDisk(.file, mebibytes: 68)
            var calls = self.calls(version: Self.old)
            calls.writeLockspace = { _, _, _ throws(SanlockStatus) in throw status }
            let manager = disk.manager(calls)
            let error = await #expect(throws: LockManagerError.self) {
                try await manager.initialise(
                    VolumeGroupRequest(volumeGroup: "vg0", arguments: "lvmlock"))
            }
            #expect(error?.code == code)
            #expect(error?.status == status.rawValue)
            #expect(error?.doing.contains(disk.path) == true)
        }

        @Test func `without the daemon nothing is formatted and the message says why`()
            async throws
        {
            let disk = try TestDisk(.file, mebibytes: 68)
            var calls = self.calls(version: Self.old)
            calls.version = { () throws(SanlockStatus) in throw .errno(ECONNREFUSED) }
            let manager = disk.manager(calls)
            let error = await #expect(throws: LockManagerError.self) {
                try await manager.initialise(
                    VolumeGroupRequest(volumeGroup: "vg0", arguments: "lvmlock"))
            }
            #expect(error?.code == .managerUnavailable)
            #expect(error?.advice == "is the sanlock daemon running?")
        }

        @Test
        func `a search that storage does not answer ends in time with the daemon's answer`()
            async throws
        {
            let calls = try await RealDaemon.calls()
            let disk = try TestDisk(.file, mebibytes: 80)
            _ = try await disk.manager(calls).initialise(
                VolumeGroupRequest(volumeGroup: "vg0", arguments: "lvmlock"))
            var failing = calls
            failing.readResource = { record throws(SanlockStatus) in
                throw SanlockStatus(rawValue: -202)
            }
            let volume = try LeaseVolume.read(disk.path, lockspace: "", failing, doing: "test")
                .volume
            let search = LeaseSearch(
                volume: volume, scan: LeaseScan(), end: 80 << 20, seconds: 1, doing: "test")
            let error = await #expect(throws: LockManagerError.self) {
                try await search.firstFree(from: 67 << 20)
            }
            #expect(error?.code == .ioTimedOut)
        }
    }
}
#endif
