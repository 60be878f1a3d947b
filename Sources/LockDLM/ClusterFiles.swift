internal import Glibc

/// What dlm_controld tells the kernel about the cluster, where everybody can read it (configfs).
struct ClusterFiles: Sendable {
    /// The cluster's name; nil while dlm_controld has not set it.
    var clusterName: @Sendable () -> String?
    /// This host's number in the cluster.
    var nodeID: @Sendable () -> UInt64?
    /// The lockspaces that this host has joined, by whichever process, and how many hosts take
    /// part in each.
    var lockspaces: @Sendable () -> [String: Int]
    /// Why lockspaces cannot be made here; nil if they can. libdlm would wait 10 s for its device.
    var obstacle: @Sendable () -> DLMStatus?

    /// This machine's.
    static let live = ClusterFiles(
        folder: "/sys/kernel/config/dlm/cluster", device: "/dev/misc/dlm-control")

    /// Reads the cluster's folder in configfs.
    ///
    /// - Parameter device: Lockspaces are made through it.
    init(folder: String, device: String) {
        self.clusterName = {
            let name = Self.line(of: "\(folder)/cluster_name")
            return name?.isEmpty == false ? name : nil
        }
        self.nodeID = {
            for node in Self.entries(of: "\(folder)/comms") {
                let comm = "\(folder)/comms/\(node)"
                guard Self.line(of: "\(comm)/local") == "1" else { continue }
                return Self.line(of: "\(comm)/nodeid").flatMap { UInt64($0) }
            }
            return nil
        }
        self.lockspaces = {
            let names = Self.entries(of: "\(folder)/spaces")
            let counts = names.map { Self.entries(of: "\(folder)/spaces/\($0)/nodes").count }
            return Dictionary(zip(names, counts)) { first, _ in first }
        }
        self.obstacle = {
            access(device, R_OK | W_OK) == 0 ? nil : DLMStatus(rawValue: errno)
        }
    }

    private static func entries(of folder: String) -> [String] {
        guard let listing = opendir(folder) else { return [] }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    private static func line(of path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = read(file, &bytes, bytes.count)
        guard count >= 0 else { return nil }
        return String(decoding: bytes.prefix(count).prefix { $0 != 0x0A }, as: UTF8.self)
    }
}
