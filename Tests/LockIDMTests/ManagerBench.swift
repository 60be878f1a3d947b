import Foundation
import LockIDM
import LockIDMEmulation

/// Emulated drives, and an emulated IDM lock manager on each of several hosts, all of them fast.
final class ManagerBench: Sendable {
    let drives: EmulatedDriveBank
    let managers: [EmulatedLockManager]
    let folder: URL
    let paths: [String]

    /// Short enough to be waited for, and long against what a busy machine takes for anything.
    static let behaviour: EmulatedLockManager.Behaviour = {
        var behaviour = EmulatedLockManager.Behaviour()
        behaviour.acquireLimit = .milliseconds(60)
        behaviour.renewalInterval = .milliseconds(20)
        behaviour.closeDelay = .milliseconds(5)
        return behaviour
    }()
    /// One that a test waits for until it gives a lock up.
    static let impatient: EmulatedLockManager.Behaviour = {
        var behaviour = ManagerBench.behaviour
        behaviour.giveUp = .milliseconds(600)
        return behaviour
    }()

    /// A countdown that nobody waits for.
    static let long = Duration.seconds(60)
    /// A countdown that runs out while a test waits.
    static let short = Duration.milliseconds(250)

    init(
        drives count: Int = 2, hosts: Int = 1,
        behaviour: EmulatedLockManager.Behaviour = ManagerBench.behaviour
    ) throws {
        self.drives = EmulatedDriveBank(drives: count)
        self.folder = FileManager.default.temporaryDirectory.appending(path: "hfi\(UUID())")
        try FileManager.default.createDirectory(at: self.folder, withIntermediateDirectories: true)
        self.paths = (0..<count).map { "/dev/emulated\($0)" }
        let numbered = Dictionary(
            uniqueKeysWithValues: self.paths.enumerated().map { ($0.element, $0.offset) })
        self.managers = try (1...hosts).map { [folder, drives] host in
            try EmulatedLockManager(
                host: host, drives: drives, paths: numbered,
                socketPath: folder.appending(path: "\(host).sock").path, behaviour: behaviour)
        }
    }

    deinit {
        for manager in self.managers { manager.stop() }
        try? FileManager.default.removeItem(at: self.folder)
    }

    /// A client of its own towards the drives.
    func connect(
        _ host: Int = 1, limits: ILMConnection.TimeLimits = ILMConnection.TimeLimits()
    ) async throws -> ILMConnection {
        let connection = try await ILMConnection(
            connectingTo: self.managers[host - 1].socketPath, limits: limits)
        try await connection.setHostID(.random())
        return connection
    }
}

/// A lock of a volume group that no other test has.
func someLock() -> LockID {
    LockID(half: (0..<32).map { _ in UInt8.random(in: 0x41...0x5a) }, half: Array("lv".utf8))
}

extension ILMConnection {
    func take(
        _ lock: LockID, _ mode: ILMMode, on bench: ManagerBench,
        countdown: Duration = ManagerBench.long
    ) async throws {
        try await self.lock(lock, mode, drives: bench.paths, countdown: countdown)
    }

    /// The manager's refusal; nil for success.
    func refusal(
        _ call: (ILMConnection) async throws(ILMError) -> Void
    ) async throws -> ILMResult? {
        do throws(ILMError) {
            try await call(self)
            return nil
        } catch {
            guard error.code == .refused else { throw error }
            return error.result
        }
    }

    func refusal(
        ofTaking lock: LockID, _ mode: ILMMode, on bench: ManagerBench,
        countdown: Duration = ManagerBench.long
    ) async throws -> ILMResult? {
        try await self.refusal { connection throws(ILMError) in
            try await connection.lock(lock, mode, drives: bench.paths, countdown: countdown)
        }
    }

    func refusal(ofUnlocking lock: LockID) async throws -> ILMResult? {
        try await self.refusal { connection throws(ILMError) in try await connection.unlock(lock) }
    }

    func refusal(ofConverting lock: LockID, to mode: ILMMode) async throws -> ILMResult? {
        try await self.refusal { connection throws(ILMError) in
            try await connection.convert(lock, to: mode)
        }
    }
}

/// Waits until it is so, at most half a minute.
func eventually(_ isSo: () async throws -> Bool) async rethrows -> Bool {
    let end = ContinuousClock.now + .seconds(30)
    while try await !isSo() {
        guard ContinuousClock.now < end else { return false }
        // Only the end of the test cuts it short.
        try? await Task.sleep(for: .milliseconds(5))
    }
    return true
}
