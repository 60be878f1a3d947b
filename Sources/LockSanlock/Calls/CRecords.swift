#if Sanlock
import CSanlock

/// Copies at most as many bytes as a C array of characters holds, and fills it up with zeros.
func setCharacters<Characters>(of characters: inout Characters, to text: String) {
    withUnsafeMutableBytes(of: &characters) { bytes in
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
        bytes.copyBytes(from: text.utf8.prefix(bytes.count))
    }
}

/// The characters of a C array up to the first zero, or all of them.
func text<Characters>(in characters: Characters) -> String {
    withUnsafeBytes(of: characters) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}

/// Runs the call with a `sanlk_resource` that has one disk.
func withResource(
    _ record: ResourceRecord, _ call: (UnsafeMutablePointer<sanlk_resource>) -> Int32
) -> Int32 {
    let head = MemoryLayout<sanlk_resource>.stride
    let byteCount = head + MemoryLayout<sanlk_disk>.stride
    return withUnsafeTemporaryAllocation(
        byteCount: byteCount, alignment: MemoryLayout<sanlk_resource>.alignment
    ) { memory in
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        guard let start = memory.baseAddress else {
            preconditionFailure("\(byteCount) bytes have no address")
        }
        let resource = start.bindMemory(to: sanlk_resource.self, capacity: 1)
        setCharacters(of: &resource.pointee.lockspace_name, to: record.lockspace)
        setCharacters(of: &resource.pointee.name, to: record.name)
        resource.pointee.lver = record.version
        resource.pointee.flags = record.flags.rawValue
        resource.pointee.num_disks = 1
        (start + head).bindMemory(to: sanlk_disk.self, capacity: 1).pointee =
            sanlk_disk(record.place)
        return call(resource)
    }
}

extension sanlk_disk {
    init(_ place: LeasePlace) {
        self.init()
        setCharacters(of: &self.path, to: place.path)
        self.offset = place.offset
    }
}

extension sanlk_lockspace {
    init(_ record: LockspaceRecord) {
        self.init()
        setCharacters(of: &self.name, to: record.name)
        self.host_id = record.hostID
        self.flags = record.flags.rawValue
        self.host_id_disk = sanlk_disk(record.place)
    }
}

extension LeasePlace {
    init(_ disk: sanlk_disk) {
        self.init(path: text(in: disk.path), offset: disk.offset)
    }
}

extension LockspaceRecord {
    init(_ lockspace: sanlk_lockspace) {
        self.init(
            name: text(in: lockspace.name), hostID: lockspace.host_id,
            flags: LeaseFlags(rawValue: lockspace.flags),
            place: LeasePlace(lockspace.host_id_disk))
    }
}

extension ResourceRecord {
    /// Takes over what the library filled in; the place stays as it was.
    mutating func take(_ resource: sanlk_resource) {
        self.lockspace = text(in: resource.lockspace_name)
        self.name = text(in: resource.name)
        self.flags = LeaseFlags(rawValue: resource.flags)
        self.version = resource.lver
    }

    /// Reads a resource with at least one disk behind it.
    init(_ resource: UnsafeMutablePointer<sanlk_resource>) {
        let disk = UnsafeRawPointer(resource + 1).assumingMemoryBound(to: sanlk_disk.self)
        let place =
            resource.pointee.num_disks > 0
            ? LeasePlace(disk.pointee) : LeasePlace(path: "", offset: 0)
        self.init(lockspace: "", name: "", place: place)
        self.take(resource.pointee)
    }
}

extension HostRecord {
    init(_ host: sanlk_host) {
        self.init(
            id: host.host_id, generation: host.generation, timestamp: host.timestamp,
            ioTimeoutSeconds: host.io_timeout, flags: host.flags)
    }
}
#endif
