internal import Glibc
public import LockCore

/// The way to the mutexes through the host's IDM lock manager.
///
/// The manager renews what is held, and lets go of it when the process ends. So nothing is left
/// for a later process to take over, and the drives know holders by ids that say nothing about who
/// they are.
public struct ManagerAccess: Sendable {
    /// What the manager runs, in a shell, when it could not renew a lock for 50 s.
    public struct KillPath: Hashable, Sendable {
        /// The program; at most 127 bytes.
        public var path: String
        /// Its arguments before the volume group's name.
        public var arguments: String

        /// Names a program.
        public init(path: String, arguments: String) {
            self.path = path
            self.arguments = arguments
        }
    }

    /// The manager's socket.
    public var socketPath: String
    /// After so long without renewal other hosts can take a lock over. Hosts that share a lock
    /// should agree; lvmlockd's is 60 s.
    public var countdown = Duration.seconds(60)
    /// A lockspace whose drives nobody could read for so long is lost. Has to be shorter than the
    /// countdown; the manager's own limit is 50 s.
    public var giveUp = Duration.seconds(50)
    /// How often this host looks whether its locks are still there.
    public var checkInterval = Duration.seconds(5)
    /// Most connections of a lockspace. Each is one call that may be slow.
    public var connectionsPerLockspace = 8
    /// How long a call may take.
    public var limits = ILMConnection.TimeLimits()
    /// What is to happen when locks cannot be renewed; nil for nothing.
    public var killPath: KillPath?
    /// The drives of the global lock; empty for those with a partition called `propeller`.
    public var globalDrives: [String] = []

    /// Where this process notes what it has joined, so that ``takeAbandoned()`` can tell a later
    /// one; nil for nowhere. Has to be empty after a boot.
    public var notesFolder: String?

    /// The manager of this host.
    ///
    /// - Parameter socketPath: Its socket; nil for `main.sock` in the folder that the environment's
    ///   `ILM_RUN_DIR` names, or else ``ILMLimits/defaultSocketPath``.
    public init(socketPath: String? = nil) {
        let folder = getenv("ILM_RUN_DIR").map { String(cString: $0) } ?? ""
        self.socketPath =
            socketPath ?? (folder.isEmpty ? ILMLimits.defaultSocketPath : "\(folder)/main.sock")
    }

    /// What an earlier process of this boot had joined when it ended. The manager has let go of its
    /// locks; what they protected may still be in use. Each is told once.
    public func takeAbandoned() -> [Lockspace.ID] {
        guard let notes = self.notes else { return [] }
        let names = notes.all
        for name in names { notes.remove(name) }
        return names.map { Lockspace.ID(kind: .idm, name: $0) }
    }

    var notes: JoinNotes? {
        self.notesFolder.map { JoinNotes(folder: $0, boot: DriveAccess.thisBoot) }
    }
}

extension IDMLockManager {
    /// Reaches the mutexes through the host's IDM lock manager.
    public init(through access: ManagerAccess) {
        self.init(access)
    }
}

extension ManagerAccess: MutexAccess {
    package var capabilities: LockManagerCapabilities {
        LockManagerCapabilities(
            waitsInQueue: false, valueBlock: .changeStamp, adoption: false,
            ownerInformation: false, fencingTokens: false, leasesOnStorage: false,
            globalLock: .ownLockspace, longestLockspaceName: Limits.nameBytes,
            longestResourceName: 32, mostHosts: 32)
    }

    package func isRunning() async -> Bool {
        await ILMConnection.canConnect(to: self.socketPath)
    }

    package func leftBehind() async throws(LockManagerError) -> [Lockspace.ID] { [] }

    package func open(
        _ request: SpaceRequest, _ doing: String
    ) async throws(LockManagerError) -> any MutexSpace {
        let space = ILMSpace(self, request)
        try await space.begin(doing)
        return space
    }
}
