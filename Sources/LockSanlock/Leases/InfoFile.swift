#if Sanlock
import Glibc
import LockCore

/// What this host last knew of a volume group's lockspace, kept on the host's own disk. It
/// shows after a restart that the host number was this host's, so that joining need not wait
/// for another owner to time out, and how to rewrite the host's record if that gets damaged.
///
/// The file is lvmlockd's `lvmlockd_info_VG`, so that either daemon reads what the other wrote.
struct InfoFile: Hashable, Sendable {
    /// This host's number in the lockspace.
    var hostID: UInt64
    /// The generation of its last membership.
    var generation: UInt64
    /// How the leases lie.
    var layout: LeaseLayout
    /// Hosts keep their locks until they are declared dead.
    var noTimeout = false

    /// Bytes of a file: seven short lines.
    private static let limit = 4096

    /// Where the file of a volume group is.
    static func path(folder: String, volumeGroup: String) -> String {
        "\(folder)/lvmlockd_info_\(volumeGroup)"
    }

    /// Reads the file's text; nil if it lacks something, or says what cannot be. Lines with
    /// other words are for other readers.
    init?(_ text: String) {
        var numbers: [Substring: UInt64] = [:]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let words = line.split(separator: " ")
            if words.count == 2, let number = UInt64(words[1]) { numbers[words[0]] = number }
        }
        guard let hostID = numbers["host_id"], let generation = numbers["generation"],
            let sector = numbers["sector_size"], let align = numbers["align_size"],
            hostID > 0, align.isMultiple(of: 1 << 20),
            var layout = LeaseLayout(sectorBytes: sector, wantedMiB: Int(align >> 20)),
            layout == LeaseLayout(alignBytes: align, sectorBytes: sector)
        else { return nil }
        layout.comparesAndWrites = numbers["using_caw"] == 1
        self.init(
            hostID: hostID, generation: generation, layout: layout,
            noTimeout: numbers["no_timeout"] == 1)
    }

    /// Describes a membership.
    init(
        hostID: UInt64, generation: UInt64, layout: LeaseLayout, noTimeout: Bool = false
    ) {
        self.hostID = hostID
        self.generation = generation
        self.layout = layout
        self.noTimeout = noTimeout
    }

    /// What the folder has on the volume group; nil if there is nothing, or nothing of use.
    static func read(folder: String, volumeGroup: String) -> InfoFile? {
        let path = Self.path(folder: folder, volumeGroup: volumeGroup)
        return TextFile.read(path, limit: Self.limit).flatMap { InfoFile($0) }
    }

    /// Keeps this instead of what the folder has on the volume group. Returns an errno value; 0
    /// is success. Without the file joining takes longer, and nothing else changes.
    func write(folder: String, volumeGroup: String) -> Int32 {
        TextFile.replace(
            Self.path(folder: folder, volumeGroup: volumeGroup),
            with: "# vg \(volumeGroup)\n\(self.text)")
    }

    /// Forgets the volume group, which was removed.
    static func remove(folder: String, volumeGroup: String) {
        unlink(Self.path(folder: folder, volumeGroup: volumeGroup))
    }

    /// The file's lines.
    var text: String {
        """
        host_id \(self.hostID)
        generation \(self.generation)
        sector_size \(self.layout.sectorBytes)
        align_size \(self.layout.alignBytes)
        no_timeout \(self.noTimeout ? 1 : 0)
        using_caw \(self.layout.comparesAndWrites ? 1 : 0)

        """
    }

    /// Was this the last host to use that number, so that nobody else can still be its owner?
    /// `generation` is the one in the number's record on storage.
    func wasLastOwner(of hostID: UInt64, generation: UInt64) -> Bool {
        self.hostID == hostID && self.generation == generation
    }
}
#endif
