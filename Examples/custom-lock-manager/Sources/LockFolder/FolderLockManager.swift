internal import Glibc
public import LockCore

extension LockManagerKind {
    /// Locks on the files of a folder.
    public static let folder = LockManagerKind(rawValue: "folder")
}

/// Locks in a folder that hosts share: a subfolder for each lockspace, a file for each resource.
///
/// A hold is a lock on the open file and ends with its process. On a local file system, hosts are
/// processes of one machine; on NFS, machines, and a server that forgets locks goes unnoticed.
public actor FolderLockManager: LockManager {
    /// The word that lock types use.
    public nonisolated let kind = LockManagerKind.folder
    /// Locks, and nothing else: nobody queues, nobody is known, and nothing outlives its process.
    public nonisolated let capabilities = LockManagerCapabilities(
        waitsInQueue: false, valueBlock: .none, adoption: false, ownerInformation: false,
        fencingTokens: false, leasesOnStorage: false, globalLock: .ownLockspace,
        longestLockspaceName: 255, longestResourceName: 255, mostHosts: 64)
    /// Ended from the beginning, for a file system reports nothing.
    public nonisolated let events = AsyncStream<LockManagerEvent> { $0.finish() }

    private let folder: String
    /// For each lockspace joined, the file in which every member locks a byte of its own.
    private var members: [Lockspace.ID: LockFile] = [:]
    private var held: [Resource.ID: LockFile] = [:]
    private var lastNumber: UInt64 = 0

    /// The lock manager of one host. The folder has to exist.
    public init(folder: String) { self.folder = folder }

    /// Can this process write into the folder?
    public func isRunning() async -> Bool {
        await BlockingExecutor(label: "folder").run { [folder] in access(folder, W_OK) == 0 }
    }

    /// There is nothing to make.
    public func initialise(
        _ request: VolumeGroupRequest
    ) async throws(LockManagerError) -> VolumeGroupArguments { VolumeGroupArguments("") }

    /// Checks what needs no look at the folder.
    public func prepare(
        _ lockspace: Lockspace, _ options: JoinOptions
    ) async throws(LockManagerError) -> Prepared {
        let (id, task) = (lockspace.id, "join \(lockspace.id)")
        guard options.adopting != .required else { throw LockManagerError(.noOrphan, doing: task) }
        guard self.members[id] == nil else { throw LockManagerError(.lockspaceExists, doing: task) }
        return Prepared(lockspace)
    }

    /// Locks the first byte that is free. Its place is this host's number.
    public func join(
        _ prepared: Prepared, _ options: JoinOptions
    ) async throws(LockManagerError) -> Membership {
        let (id, path) = (prepared.lockspace.id, try self.path(prepared.lockspace.id.name))
        let (file, number) = try await self.perform { () throws(LockManagerError) in
            mkdir(path, 0o700)
            let file = try LockFile(path + "/.members")
            for byte in 1...64 where try file.lock(.exclusive, byte: byte) { return (file, byte) }
            throw LockManagerError(.limitReached, doing: "join \(id)", advice: "64 hosts are in it")
        }
        self.members[id] = file
        return Membership(id: Membership.ID(self.nextNumber()), hostID: UInt64(number))
    }

    /// Closes the files. None is ever removed, for another host may be about to lock it.
    public func leave(_ id: Lockspace.ID, _ reason: LeaveReason) async throws(LockManagerError) {
        self.held = self.held.filter { $0.key.lockspace != id }
        self.members[id] = nil
    }

    /// Counts the bytes that others have locked.
    public func otherHosts(in id: Lockspace.ID) async throws(LockManagerError) -> OtherHosts {
        guard let file = self.members[id] else {
            throw LockManagerError(.lockspaceNotFound, doing: "list the hosts of \(id)")
        }
        return try await self.perform { () throws(LockManagerError) in
            var count = 0
            for byte in 1...64 where try file.isLockedElsewhere(byte: byte) { count += 1 }
            return count == 0 ? .none : .count(count)
        }
    }

    /// Opens and locks the resource's file. Whatever fails, it is closed again, and so unlocked.
    public func acquire(
        _ resource: Resource, _ mode: LockMode, _ options: AcquireOptions
    ) async throws(LockManagerError) -> AcquireOutcome {
        guard self.members[resource.id.lockspace] != nil else {
            throw LockManagerError(.lockspaceNotFound, doing: "lock in \(resource.id.lockspace)")
        }
        guard options.adopting != .required else { return .noOrphan }
        let path = try self.path(resource.id.lockspace.name, "\(resource.id.name)")
        let file: LockFile? = try await self.perform { () throws(LockManagerError) in
            let file = try LockFile(path)
            return try file.lock(mode) ? file : nil
        }
        guard let file else { return .contended(Contention()) }
        self.held[resource.id] = file
        return .granted(Grant(id: Grant.ID(self.nextNumber())))
    }

    /// Changes the lock in one step; whatever fails, it stays as it was.
    public func convert(
        _ id: Resource.ID, to mode: LockMode, writing value: ValueBlock?
    ) async throws(LockManagerError) -> AcquireOutcome {
        guard let file = self.held[id] else {
            throw LockManagerError(.notHeld, doing: "convert \(id.name) in \(id.lockspace)")
        }
        let isLocked = try await self.perform { () throws(LockManagerError) in try file.lock(mode) }
        return isLocked ? .granted(Grant(id: .init(self.nextNumber()))) : .contended(Contention())
    }

    /// Unlocks and closes the file. If unlocking fails, closing finishes it.
    public func release(_ id: Resource.ID, writing _: ValueBlock?) async throws(LockManagerError) {
        guard let file = self.held.removeValue(forKey: id) else { return }
        _ = try await self.perform { () throws(LockManagerError) in try file.lock(.unlocked) }
    }

    /// Runs what may block on a thread of its own, so that no resource waits for another.
    private func perform<Value: Sendable>(
        _ call: @escaping @Sendable () throws(LockManagerError) -> Value
    ) async throws(LockManagerError) -> Value {
        try await BlockingExecutor(label: "folder").run(call)
    }

    private func nextNumber() -> UInt64 {
        self.lastNumber += 1
        return self.lastNumber
    }

    private func path(_ names: String...) throws(LockManagerError) -> String {
        guard !names.contains(where: { $0.contains("/") || $0.hasPrefix(".") }) else {
            throw LockManagerError(.badArguments, doing: "name a file for \(names)")
        }
        return ([self.folder] + names).joined(separator: "/")
    }
}
