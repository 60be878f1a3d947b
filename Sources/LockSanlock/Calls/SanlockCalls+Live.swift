#if Sanlock
import CSanlock
import Glibc

extension SanlockCalls {
    /// The library itself. It finds the daemon through `SANLOCK_RUN_DIR`, which it reads once:
    /// one process is one host.
    package static let live = SanlockCalls(
        version: { () throws(SanlockStatus) in
            var version: UInt32 = 0
            var proto: UInt32 = 0
            try check(sanlock_version(0, &version, &proto))
            return version
        },
        register: { () throws(SanlockStatus) in
            RegisteredSocket(ofThisProcess: try check(sanlock_register()))
        },
        restrict: { socket, flags throws(SanlockStatus) in
            try check(sanlock_restrict(socket.descriptor, flags))
        },
        setKillPath: { socket, path, arguments throws(SanlockStatus) in
            try check(
                arguments.withCString { text in
                    // The library takes the arguments as `char *` and only reads them.
                    sanlock_killpath(
                        socket.descriptor, 0, path, UnsafeMutablePointer(mutating: text))
                })
        },
        close: { _ = Glibc.close($0.descriptor) },
        acquire: { socket, record, flags, owner throws(SanlockStatus) in
            var options = sanlk_options()
            setCharacters(of: &options.owner_name, to: owner)
            let status = callWithResource(record) { resource in
                var argument: UnsafeMutablePointer<sanlk_resource>? = resource
                return sanlock_acquire(
                    socket.descriptor, -1, flags.rawValue, 1, &argument, &options)
            }
            try check(status)
        },
        convert: { socket, record, flags throws(SanlockStatus) in
            try check(
                withResource(record) {
                    sanlock_convert(socket.descriptor, -1, flags.rawValue, $0)
                })
        },
        release: { socket, record throws(SanlockStatus) in
            try check(releasing(socket.descriptor, flags: 0, record))
        },
        releaseRenaming: { socket, record, newName throws(SanlockStatus) in
            let status = callWithResource(record) { old in
                var renamed = record
                renamed.name = newName
                return withResource(renamed) { new in
                    var arguments: [UnsafeMutablePointer<sanlk_resource>?] = [old, new]
                    return sanlock_release(
                        socket.descriptor, -1, UInt32(SANLK_REL_RENAME), 2, &arguments)
                }
            }
            try check(status)
        },
        releaseOrphans: { socket, lockspace, resource throws(SanlockStatus) in
            let record = ResourceRecord(
                lockspace: lockspace, name: resource, place: LeasePlace(path: "", offset: 0))
            try check(
                releasing(socket.descriptor, flags: UInt32(SANLK_REL_ORPHAN), record))
        },
        inquire: { socket throws(SanlockStatus) in try Self.held(on: socket) },
        setValueBlock: { record, bytes throws(SanlockStatus) in
            let status = callWithResource(record) { resource in
                bytes.withUnsafeBytes { bytes in
                    sanlock_set_lvb(
                        0, resource,
                        UnsafeMutableRawPointer(mutating: bytes.baseAddress)?
                            .assumingMemoryBound(to: CChar.self), Int32(bytes.count))
                }
            }
            try check(status)
        },
        valueBlock: { record, count throws(SanlockStatus) in
            var bytes = [UInt8](repeating: 0, count: count)
            let status = callWithResource(record) { resource in
                bytes.withUnsafeMutableBytes { bytes in
                    sanlock_get_lvb(
                        0, resource, bytes.baseAddress?.assumingMemoryBound(to: CChar.self),
                        Int32(bytes.count))
                }
            }
            try check(status)
            return bytes
        },
        addLockspace: { record, flags, ioTimeout throws(SanlockStatus) in
            var lockspace = sanlk_lockspace(record)
            try check(sanlock_add_lockspace_timeout(&lockspace, flags.rawValue, ioTimeout))
        },
        inquireLockspace: { record, waiting throws(SanlockStatus) in
            var lockspace = sanlk_lockspace(record)
            try check(
                sanlock_inq_lockspace(&lockspace, waiting ? UInt32(SANLK_INQ_WAIT) : 0))
        },
        removeLockspace: { record, flags throws(SanlockStatus) in
            var lockspace = sanlk_lockspace(record)
            try check(sanlock_rem_lockspace(&lockspace, flags.rawValue))
        },
        lockspaces: { () throws(SanlockStatus) in
            var list: UnsafeMutablePointer<sanlk_lockspace>?
            var count: Int32 = 0
            let status = withoutSIGPIPE { sanlock_get_lockspaces(&list, &count, 0) }
            defer { free(list) }
            try check(status)
            guard let list else { return [] }
            return UnsafeBufferPointer(start: list, count: Int(count)).map(LockspaceRecord.init)
        },
        hosts: { lockspace, id throws(SanlockStatus) in
            var list: UnsafeMutablePointer<sanlk_host>?
            var count: Int32 = 0
            let status = withoutSIGPIPE { sanlock_get_hosts(lockspace, id, &list, &count, 0) }
            defer { free(list) }
            try check(status)
            guard let list else { return [] }
            return UnsafeBufferPointer(start: list, count: Int(count)).map(HostRecord.init)
        },
        watchLockspace: { lockspace throws(SanlockStatus) in
            RegisteredSocket(
                ofThisProcess: try check(sanlock_reg_event(lockspace, nil, 0)))
        },
        configure: { lockspace, setting throws(SanlockStatus) in
            try check(sanlock_set_config(lockspace, 0, setting.rawValue, nil))
        },
        align: { place throws(SanlockStatus) in
            var disk = sanlk_disk(place)
            return UInt64(try check(sanlock_align(&disk)))
        },
        writeLockspace: { record, flags, ioTimeout throws(SanlockStatus) in
            var lockspace = sanlk_lockspace(record)
            try check(sanlock_write_lockspace(&lockspace, 0, flags.rawValue, ioTimeout))
        },
        readLockspace: { record throws(SanlockStatus) in
            var lockspace = sanlk_lockspace(record)
            var ioTimeout: UInt32 = 0
            try check(sanlock_read_lockspace(&lockspace, 0, &ioTimeout))
            return (LockspaceRecord(lockspace), ioTimeout)
        },
        writeResource: { record, flags throws(SanlockStatus) in
            try check(withResource(record) { sanlock_write_resource($0, 0, 0, flags.rawValue) })
        },
        readResource: { record throws(SanlockStatus) in
            var answer = record
            let status = callWithResource(record) { resource in
                let status = sanlock_read_resource(resource, 0)
                answer.take(resource.pointee)
                return status
            }
            try check(status)
            return answer
        },
        readOwners: { record throws(SanlockStatus) in
            var answer = record
            var list: UnsafeMutablePointer<sanlk_host>?
            var count: Int32 = 0
            let status = callWithResource(record) { resource in
                let status = sanlock_read_resource_owners(resource, 0, &list, &count)
                answer.take(resource.pointee)
                return status
            }
            defer { free(list) }
            try check(status)
            let owners = UnsafeBufferPointer(start: list, count: list == nil ? 0 : Int(count))
            return (answer, owners.map(HostRecord.init))
        },
        writeHostLease: NewerCalls.writeHostLease, setHostDead: NewerCalls.setHostDead
    )

    private static func held(
        on socket: RegisteredSocket
    ) throws(SanlockStatus) -> [ResourceRecord] {
        var count: Int32 = 0
        var text: UnsafeMutablePointer<CChar>?
        let status = withoutSIGPIPE {
            sanlock_inquire(socket.descriptor, -1, 0, &count, &text)
        }
        defer { free(text) }
        try check(status)
        guard let text, count > 0 else { return [] }
        var list: UnsafeMutablePointer<UnsafeMutablePointer<sanlk_resource>?>?
        try check(sanlock_state_to_args(text, &count, &list))
        defer { free(list) }
        let resources = UnsafeBufferPointer(start: list, count: Int(count))
        defer { resources.forEach { free($0) } }
        return resources.compactMap { $0.map(ResourceRecord.init) }
    }
}

extension RegisteredSocket {
    /// No program that this one starts inherits the socket: the daemon would take it for this
    /// process until that program ends.
    fileprivate init(ofThisProcess descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        self.init(descriptor: descriptor)
    }
}

/// Makes a call of the library, and throws a negative result.
@discardableResult
func check(_ call: @autoclosure () -> Int32) throws(SanlockStatus) -> Int32 {
    let result = withoutSIGPIPE(call)
    guard result < 0 else { return result }
    throw SanlockStatus(rawValue: result)
}

private func callWithResource(
    _ record: ResourceRecord, _ call: (UnsafeMutablePointer<sanlk_resource>) -> Int32
) -> Int32 {
    withoutSIGPIPE { withResource(record, call) }
}

/// Keeps a call that writes to a daemon that has gone from ending this process: the library
/// does not ask the kernel not to send SIGPIPE. The signal goes to the thread that writes.
private func withoutSIGPIPE(_ call: () -> Int32) -> Int32 {
    var brokenPipe = sigset_t()
    sigemptyset(&brokenPipe)
    sigaddset(&brokenPipe, SIGPIPE)
    var before = sigset_t()
    pthread_sigmask(SIG_BLOCK, &brokenPipe, &before)
    let result = call()
    // Whoever blocked the signal before has no use for it, either.
    var atOnce = timespec()
    while result < 0 && sigtimedwait(&brokenPipe, nil, &atOnce) == SIGPIPE {}
    pthread_sigmask(SIG_SETMASK, &before, nil)
    return result
}

private func releasing(_ socket: Int32, flags: UInt32, _ record: ResourceRecord) -> Int32 {
    withResource(record) { resource in
        var argument: UnsafeMutablePointer<sanlk_resource>? = resource
        return sanlock_release(socket, -1, flags, 1, &argument)
    }
}
#endif
