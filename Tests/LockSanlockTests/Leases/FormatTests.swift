#if Sanlock
import LockCore
import Testing

@testable import LockSanlock

extension SanlockTests {
    /// Leases on real storage, formatted by a real sanlock daemon.
    @Suite struct FormatTests {
        @Test(arguments: TestDisk.Kind.allCases)
        func `a new volume group has a lease for each lock and unused ones up to the end`(
            kind: TestDisk.Kind
        ) async throws {
            let calls = try await RealDaemon.calls()
            let leaseMiB = kind == .loop4096 ? 2 : 1
            let disk = try TestDisk(kind, mebibytes: 73 * leaseMiB - 1)
            let made = try await disk.manager(calls).initialise(
                VolumeGroupRequest(volumeGroup: "vg0", arguments: "lvmlock", leaseMiB: leaseMiB)
            )
            #expect(made.arguments == "1.0.0:lvmlock")
            #expect(made.carriesGlobalLock)

            let (volume, traits) = try LeaseVolume.read(
                disk.path, lockspace: "lvm_vg0", calls, doing: "test")
            #expect(traits == LockspaceTraits(noTimeout: false, ioTimeoutSeconds: 1))
            #expect(volume.layout.alignBytes == UInt64(leaseMiB) << 20)
            #expect(volume.layout.sectorBytes == kind.sectorBytes)
            #expect(
                try volume.names(65...71) == [
                    "GLLK", "VGLK", "#unused", "#unused", "#unused", "#unused", "#unused",
                ])
            #expect(try volume.content(at: 64 * volume.layout.alignBytes) == .unformatted)
            // Bytes that are not a whole lease stay as they were.
            let last = try disk.contents().keys.max()
            #expect(last == 71 * volume.layout.alignBytes)
        }

        @Test(arguments: [0, 1, 2, 4, 8])
        func `on large sectors leases have the wanted size`(leaseMiB: Int) async throws {
            let calls = try await RealDaemon.calls()
            let size = leaseMiB == 0 ? 8 : leaseMiB
            let disk = try TestDisk(.loop4096, mebibytes: 68 * size)
            _ = try await disk.manager(calls).initialise(
                VolumeGroupRequest(volumeGroup: "vg0", arguments: "lvmlock", leaseMiB: leaseMiB)
            )
            let volume = try LeaseVolume.read(disk.path, lockspace: "", calls, doing: "test")
                .volume
            #expect(
                volume.layout == LeaseLayout(alignBytes: UInt64(size) << 20, sectorBytes: 4096))
            #expect(volume.lockspace == "lvm_vg0")
            // The last host that can join has a record, and there is none for one more.
            let place = LeasePlace(path: disk.path, offset: 0)
            let last = LockspaceRecord(name: "", hostID: volume.layout.mostHosts, place: place)
            #expect(try calls.readLockspace(last).0.hostID == UInt64(size * 250))
            #expect(throws: SanlockStatus.noLease) {
                try calls.readLockspace(
                    LockspaceRecord(
                        name: "", hostID: volume.layout.mostHosts + 1,
                        flags: volume.layout.flags,
                        place: place))
            }
        }

        @Test(arguments: [(nil, true), (true, true), (false, false)])
        func `the global lock is enabled unless it is not wanted`(
            wanted: Bool?, carries: Bool
        ) async throws {
            let calls = try await RealDaemon.calls()
            let disk = try TestDisk(.file, mebibytes: 68)
            let made = try await disk.manager(calls).initialise(
                VolumeGroupRequest(volumeGroup: "vg0", arguments: "lvmlock", globalLock: wanted)
            )
            #expect(made.carriesGlobalLock == carries)
            let volume = try LeaseVolume.read(disk.path, lockspace: "", calls, doing: "test")
                .volume
            #expect(try volume.carriesGlobalLock(doing: "test") == carries)
            #expect(try volume.names(65...65) == [carries ? "GLLK" : "_GLLK_disabled"])
        }

        @Test func `a volume too small for its leases is refused before anything is written`()
            async throws
        {
            let disk = try TestDisk(.file, mebibytes: 66)
            let manager = disk.manager(try await RealDaemon.calls())
            let error = await #expect(throws: LockManagerError.self) {
                try await manager.initialise(
                    VolumeGroupRequest(volumeGroup: "vg0", arguments: "lvmlock"))
            }
            #expect(error?.code == .leaseBeyondStorage)
            #expect(error?.advice.contains("67 MiB") == true)
            #expect(try disk.contents().isEmpty)
        }

        private static let refused: [(VolumeGroupRequest, LockErrorCode, String)] = [
            (VolumeGroupRequest(volumeGroup: "vg0"), .badArguments, "name the volume"),
            (
                VolumeGroupRequest(volumeGroup: "vg0", arguments: "none"), .badArguments,
                "name the volume"
            ),
            (
                VolumeGroupRequest(volumeGroup: "vg0", arguments: "lvmlock", wanted: "fast"),
                .badArguments, "\"fast\" is not known"
            ),
            (
                VolumeGroupRequest(volumeGroup: "vg0", arguments: "lvmlock", leaseMiB: 3),
                .badArguments, "use 1, 2, 4 or 8"
            ),
            (
                VolumeGroupRequest(
                    volumeGroup: String(repeating: "v", count: 45), arguments: "lvmlock"),
                .nameTooLong, "longer than 48 bytes"
            ),
        ]

        @Test(arguments: Self.refused)
        func `a request that makes no sense is refused with what is wrong`(
            request: VolumeGroupRequest, code: LockErrorCode, advice: String
        ) async throws {
            let disk = try TestDisk(.loop4096, mebibytes: 70)
            let manager = disk.manager(try await RealDaemon.calls())
            let error = await #expect(throws: LockManagerError.self) {
                try await manager.initialise(request)
            }
            #expect(error?.code == code)
            #expect(error?.advice.contains(advice) == true, "\(error?.advice ?? "")")
            #expect(try disk.contents().isEmpty)
        }

        @Test func `a device that is not there is bad arguments, and the message names it`()
            async throws
        {
            var configuration = SanlockLockManager.Configuration(killHelperPath: "/bin/true")
            configuration.leaseDevice = { "/dev/mapper/\($0)-\($1)" }
            let manager = SanlockLockManager(configuration, calls: try await RealDaemon.calls())
            let error = await #expect(throws: LockManagerError.self) {
                try await manager.initialise(
                    VolumeGroupRequest(volumeGroup: "nowhere", arguments: "lvmlock"))
            }
            #expect(error?.code == .badArguments)
            #expect(error?.advice.contains("/dev/mapper/nowhere-lvmlock") == true)
        }

        @Test(arguments: TestDisk.Kind.allCases)
        func `a renamed volume group has the same leases under the new name`(
            kind: TestDisk.Kind
        ) async throws {
            let calls = try await RealDaemon.calls()
            let disk = try TestDisk(kind, mebibytes: kind == .loop4096 ? 576 : 72)
            let manager = disk.manager(calls, ioTimeoutSeconds: 2)
            _ = try await manager.initialise(
                VolumeGroupRequest(volumeGroup: "old", arguments: "lvmlock", globalLock: false))
            var volume = try LeaseVolume.read(disk.path, lockspace: "", calls, doing: "test")
                .volume
            let step = volume.layout.alignBytes
            try volume.write("volume-1", at: 68 * step)
            // Neither a place that was never formatted nor a damaged lease ends the renaming.
            try disk.overwrite(at: 69 * step, bytes: Int(step), with: 0)
            try disk.overwrite(at: 70 * step + 4, bytes: 4, with: 0xff)
            try volume.write("volume-2", at: 71 * step)

            try await disk.manager(calls).renameLeases(
                VolumeGroupRequest(volumeGroup: "new", arguments: "1.0.0:lvmlock"))
            let traits: LockspaceTraits
            (volume, traits) = try LeaseVolume.read(
                disk.path, lockspace: "lvm_new", calls, doing: "test")
            #expect(traits.ioTimeoutSeconds == 2, "the stored io timeout stays")
            for (index, name) in [
                (65, "_GLLK_disabled"), (66, "VGLK"), (67, "#unused"), (68, "volume-1"),
                (71, "volume-2"),
            ] {
                let record = try calls.readResource(
                    volume.record(name, at: UInt64(index) * step))
                #expect(record.lockspace == "lvm_new")
            }
            #expect(try volume.content(at: 69 * step) == .unformatted)
        }
    }
}

extension LeaseVolume {
    /// What the leases at these places, counted in leases, are for; `-` where there is none.
    func names(_ places: ClosedRange<UInt64>) throws -> [String] {
        try places.map { place in
            guard case .lease(let name) = try self.content(at: place * self.layout.alignBytes)
            else { return "-" }
            return name
        }
    }
}
#endif
