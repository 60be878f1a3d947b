import CSanlockClient

/// sanlock refuses a call.
struct SanlockFailure: Error, CustomStringConvertible {
    let description: String
}

/// A volume with leases where lvmlockd has them: a lockspace at the beginning, then leases of 1 MiB
/// each, those of logical volumes from the 67th on.
struct LeaseVolume: Sendable {
    private static let lockspace = "lvm_bench"
    private static let hostID: UInt64 = 1
    private static let ioTimeoutSeconds: UInt32 = 1
    private static let leaseBytes: UInt64 = 1 << 20
    private static let firstLease: UInt64 = 67

    private let path: String

    /// Writes the leases and joins the lockspace.
    init(_ path: String, leases: Int) throws(SanlockFailure) {
        self.path = path
        var lockspace = self.record
        try Self.check(
            "write_lockspace", sanlock_write_lockspace(&lockspace, 0, 0, Self.ioTimeoutSeconds))
        for lease in 0..<leases {
            let resource = self.resource(lease)
            defer { resource.deallocate() }
            try Self.check("write_resource", sanlock_write_resource(resource, 0, 0, 0))
        }
        try Self.check(
            "add_lockspace",
            sanlock_add_lockspace_timeout(&lockspace, 0, Self.ioTimeoutSeconds))
    }

    func leave() throws(SanlockFailure) {
        var lockspace = self.record
        try Self.check("rem_lockspace", sanlock_rem_lockspace(&lockspace, 0))
    }

    /// A lease as sanlock's calls take it, persistent as lvmlockd has those of logical volumes.
    /// The caller deallocates it.
    func resource(_ lease: Int) -> UnsafeMutablePointer<sanlk_resource> {
        let size = MemoryLayout<sanlk_resource>.stride + MemoryLayout<sanlk_disk>.stride
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: size, alignment: MemoryLayout<sanlk_resource>.alignment)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: size)
        let resource = memory.bindMemory(to: sanlk_resource.self, capacity: 1)
        Self.copy(Self.lockspace, to: &resource.pointee.lockspace_name)
        Self.copy("l\(lease)", to: &resource.pointee.name)
        resource.pointee.flags = UInt32(
            SANLK_RES_PERSISTENT | SANLK_RES_ALIGN1M | SANLK_RES_SECTOR512)
        resource.pointee.num_disks = 1
        let disk = (memory + MemoryLayout<sanlk_resource>.stride)
            .bindMemory(to: sanlk_disk.self, capacity: 1)
        Self.copy(self.path, to: &disk.pointee.path)
        disk.pointee.offset = (Self.firstLease + UInt64(lease)) * Self.leaseBytes
        return resource
    }

    private var record: sanlk_lockspace {
        var lockspace = sanlk_lockspace()
        Self.copy(Self.lockspace, to: &lockspace.name)
        lockspace.host_id = Self.hostID
        lockspace.flags = UInt32(SANLK_LSF_ALIGN1M | SANLK_LSF_SECTOR512)
        Self.copy(self.path, to: &lockspace.host_id_disk.path)
        return lockspace
    }

    /// Fills an array of characters of C that is all zeros; a zero stays at its end.
    private static func copy<Characters>(_ text: String, to characters: inout Characters) {
        withUnsafeMutableBytes(of: &characters) { bytes in
            bytes.copyBytes(from: text.utf8.prefix(bytes.count - 1))
        }
    }

    private static func check(_ name: String, _ status: Int32) throws(SanlockFailure) {
        guard status < 0 else { return }
        throw SanlockFailure(
            description: "\(name): \(String(cString: sanlock_strerror(status))) (\(status))")
    }
}
