#if Sanlock
import Foundation
import LockCore
import Testing

@testable import LockSanlock

extension SanlockTests {
    @Suite struct InfoFileTests {
        private let info = InfoFile(
            hostID: 7, generation: 12,
            layout: LeaseLayout(alignBytes: 8 << 20, sectorBytes: 4096),
            noTimeout: true)

        @Test func `what is written is read again`() throws {
            let folder = try Scratch.folder("info")
            defer { try? FileManager.default.removeItem(atPath: folder) }
            #expect(self.info.write(folder: folder, volumeGroup: "vg0") == 0)
            #expect(InfoFile.read(folder: folder, volumeGroup: "vg0") == self.info)
            #expect(InfoFile.read(folder: folder, volumeGroup: "vg1") == nil)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 1)
            InfoFile.remove(folder: folder, volumeGroup: "vg0")
            #expect(InfoFile.read(folder: folder, volumeGroup: "vg0") == nil)
        }

        @Test func `lvmlockd's own file is read`() {
            let text = """
                # vg vg0 created Sat Nov 21 14:18:34 2026
                host_id 3
                generation 5
                sector_size 512
                align_size 1048576
                no_timeout 0
                using_caw 0

                """
            let info = InfoFile(text)
            #expect(info?.hostID == 3)
            #expect(info?.generation == 5)
            #expect(info?.layout == LeaseLayout(alignBytes: 1 << 20, sectorBytes: 512))
            #expect(info?.noTimeout == false)
        }

        @Test func `lines for other readers are skipped, and a short file is enough`() {
            let text =
                "colour blue\nhost_id 3\ngeneration 5\nsector_size 512\n\n \n"
                + "align_size 1048576\n"
            #expect(InfoFile(text)?.hostID == 3)
        }

        @Test(arguments: [
            "", "host_id 3\n", "\u{0}\u{1}\u{2}",
            "host_id 0\ngeneration 5\nsector_size 512\nalign_size 1048576\n",
            "host_id x\ngeneration 5\nsector_size 512\nalign_size 1048576\n",
            "host_id 3\ngeneration 5\nsector_size 1024\nalign_size 1048576\n",
            "host_id 3\ngeneration 5\nsector_size 512\nalign_size 8388608\n",
            "host_id 3\ngeneration 5\nsector_size 4096\nalign_size 3145728\n",
            "host_id 3\ngeneration 5\nsector_size 4096\nalign_size 18446744073708503040\n",
        ])
        func `a file that says too little or what cannot be counts as none`(text: String) {
            #expect(InfoFile(text) == nil)
        }

        @Test func `a file without end is not read to its end`() {
            #expect(TextFile.read("/dev/zero", limit: 4096) == nil)
        }

        @Test func `a failed write says why and leaves the old file`() throws {
            #expect(self.info.write(folder: "/nonexistent", volumeGroup: "vg0") == ENOENT)
        }

        @Test func `only the number's last owner need not wait`() {
            #expect(self.info.wasLastOwner(of: 7, generation: 12))
            #expect(!self.info.wasLastOwner(of: 7, generation: 13))
            #expect(!self.info.wasLastOwner(of: 8, generation: 12))
        }

        @Test func `a member keeps the file until the volume group is removed`() async throws {
            let disk = try TestDisk(.file, mebibytes: 68)
            let folder = try Scratch.folder("state")
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let manager = disk.manager(try await RealDaemon.calls(), stateFolder: folder)
            _ = try await manager.initialise(
                VolumeGroupRequest(volumeGroup: "info", arguments: "lvmlock"))
            let lockspace = Lockspace(
                volumeGroup: "info", kind: .sanlock, arguments: "1.0.0:lvmlock", hostID: 3)
            for (generation, reason) in [(1, .stopped), (2, .removed)]
                as [(UInt64, LeaveReason)]
            {
                let membership = try await manager.join(
                    try await manager.prepare(lockspace, JoinOptions()), JoinOptions())
                #expect(membership.generation == generation)
                let info = InfoFile.read(folder: folder, volumeGroup: "info")
                #expect(info?.wasLastOwner(of: 3, generation: generation) == true)
                #expect(info?.layout == LeaseLayout(alignBytes: 1 << 20, sectorBytes: 512))
                try await manager.leave(lockspace.id, reason)
            }
            #expect(InfoFile.read(folder: folder, volumeGroup: "info") == nil)
        }

        @Test(
            arguments: [
                (0x0401_0000, 0, true), (0x0401_0000, 1, false), (0x0308_0500, 0, false),
            ] as [(UInt32, UInt64, Bool)])
        func `the host that last had the number joins without delay, if the daemon can`(
            version: UInt32, generation: UInt64, skips: Bool
        ) async throws {
            let live = try await RealDaemon.calls()
            let disk = try TestDisk(.file, mebibytes: 68)
            let folder = try Scratch.folder("state")
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let (added, record) = AsyncStream.makeStream(of: AddFlags.self)
            var calls = live
            calls.version = { () throws(SanlockStatus) in version }
            calls.addLockspace = { _, flags, _ throws(SanlockStatus) in
                record.yield(flags)
                throw .errno(EIO)
            }
            let manager = disk.manager(calls, stateFolder: folder)
            _ = try await manager.initialise(
                VolumeGroupRequest(volumeGroup: "info", arguments: "lvmlock"))
            // On storage the number's generation is 0: nobody has joined.
            let info = InfoFile(
                hostID: 3, generation: generation,
                layout: LeaseLayout(alignBytes: 1 << 20, sectorBytes: 512))
            #expect(info.write(folder: folder, volumeGroup: "info") == 0)
            let lockspace = Lockspace(
                volumeGroup: "info", kind: .sanlock, arguments: "1.0.0:lvmlock", hostID: 3)
            let prepared = try await manager.prepare(lockspace, JoinOptions())
            await #expect(throws: LockManagerError.self) {
                try await manager.join(prepared, JoinOptions())
            }
            record.finish()
            let all = await added.reduce(into: []) { $0.append($1) }
            #expect(all == [skips ? .withoutDelay : []])
        }
    }
}
#endif
