#if Sanlock
import Glibc
import LockCore

/// A registered socket to the daemon, and the thread that its calls block. The actor is what
/// keeps them from overlapping.
///
/// When it goes, the socket closes, and what is still held on it becomes an orphan.
actor SanlockConnection {
    /// What the daemon is told about every socket.
    struct Registration: Sendable {
        var killPath: String
        var killArguments: String
        var ownerName: String
    }

    /// What an acquisition brought.
    struct Acquired: Sendable {
        /// The value block as it is stored; nil if it was not asked for or cannot be read.
        var value: [UInt8]?
        /// The lease's version, if it was asked for.
        var version: UInt64?
    }

    private let executor: DispatchQueueExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor {
        self.executor.asUnownedSerialExecutor()
    }
    private let calls: SanlockCalls
    private let registration: Registration
    private var socket: RegisteredSocket?

    init(_ calls: SanlockCalls, _ registration: Registration, label: String) {
        self.calls = calls
        self.registration = registration
        self.executor = DispatchQueueExecutor(label: label)
    }

    deinit {
        if let socket = self.socket { self.calls.close(socket) }
    }

    /// The socket, registered on first use.
    @discardableResult
    func register() throws(SanlockStatus) -> RegisteredSocket {
        if let socket = self.socket { return socket }
        let socket = try self.calls.register()
        do throws(SanlockStatus) {
            try self.calls.setKillPath(
                socket, self.registration.killPath, self.registration.killArguments)
            try self.calls.restrict(socket, Self.noSIGKILL)
        } catch {
            self.calls.close(socket)
            throw error
        }
        self.socket = socket
        return socket
    }

    /// `SANLK_RESTRICT_SIGKILL`: a storage failure must not take the process without notice.
    private static let noSIGKILL: UInt32 = 2

    func acquire(
        _ record: ResourceRecord, _ flags: AcquireFlags, valueBytes: Int, tellingVersion: Bool
    ) throws(SanlockStatus) -> Acquired {
        let socket = try self.register()
        try self.calls.acquire(socket, record, flags, self.registration.ownerName)
        var acquired = Acquired()
        // The hold stands, whatever comes of what else there is to know about it.
        if valueBytes > 0 {
            acquired.value = try? self.calls.valueBlock(record, valueBytes)
        }
        if tellingVersion { acquired.version = try? self.version(of: record, socket) }
        return acquired
    }

    func convert(
        _ record: ResourceRecord, writing value: [UInt8]?, valueBytes: Int,
        tellingVersion: Bool
    ) throws(SanlockStatus) -> Acquired {
        let socket = try self.register()
        if let value { try self.calls.setValueBlock(record, value) }
        try self.calls.convert(socket, record, .ownerNoWait)
        var acquired = Acquired()
        // As it was read with the shared hold; nobody can have written another since.
        if valueBytes > 0 {
            acquired.value = try? self.calls.valueBlock(record, valueBytes)
        }
        if tellingVersion { acquired.version = try? self.version(of: record, socket) }
        return acquired
    }

    func release(
        _ record: ResourceRecord, writing value: [UInt8]?
    ) throws(SanlockStatus) {
        let socket = try self.register()
        var failure: SanlockStatus?
        if let value {
            do throws(SanlockStatus) {
                try self.calls.setValueBlock(record, value)
            } catch {
                failure = error
            }
        }
        try self.calls.release(socket, record)
        if let failure { throw failure }
    }

    /// Makes sure that nothing of this host's hold is left on storage, after a call that may
    /// have left something: only who holds a lease can free it, so takes and frees it again.
    func clean(_ record: ResourceRecord) throws(SanlockStatus) {
        let socket = try self.register()
        do throws(SanlockStatus) {
            try self.calls.acquire(socket, record, .ownerNoWait, self.registration.ownerName)
        } catch {
            // Held still, if the first release did not reach the daemon.
            guard error == .errno(EEXIST) else { throw error }
        }
        try self.calls.release(socket, record)
    }

    func rename(_ record: ResourceRecord, to name: String) throws(SanlockStatus) {
        let socket = try self.register()
        try self.calls.acquire(socket, record, .ownerNoWait, self.registration.ownerName)
        try self.calls.releaseRenaming(socket, record, name)
    }

    /// Asks for nothing but an answer.
    func inquire() throws(SanlockStatus) {
        _ = try self.calls.inquire(try self.register())
    }

    /// Lets the daemon release all orphans of the lockspace, in the background.
    func releaseOrphans(of lockspace: String) throws(SanlockStatus) {
        try self.calls.releaseOrphans(try self.register(), lockspace, "")
    }

    private func version(
        of record: ResourceRecord, _ socket: RegisteredSocket
    ) throws(SanlockStatus) -> UInt64? {
        try self.calls.inquire(socket).first {
            $0.name == record.name && $0.lockspace == record.lockspace
        }?.version
    }
}
#endif
