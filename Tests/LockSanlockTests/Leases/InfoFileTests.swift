import Foundation
import Testing

@testable import LockSanlock

@Suite struct InfoFileTests {
    private let info = InfoFile(
        hostID: 7, generation: 12, layout: LeaseLayout(alignBytes: 8 << 20, sectorBytes: 4096),
        noTimeout: true, comparesAndWrites: false)

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
            "colour blue\nhost_id 3\ngeneration 5\nsector_size 512\nalign_size 1048576\n\n \n"
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
}
