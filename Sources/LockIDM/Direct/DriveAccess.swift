internal import Glibc
public import LockCore

/// The way to the mutexes without a daemon: this process talks to the drives.
///
/// It renews what it holds. If it ends, what it held stays until the countdown runs out, and a
/// later process of the same boot, with the same host number, can go on with it.
public struct DriveAccess: Sendable {
    /// This host's number, different from every other host's.
    public var hostID: UInt64
    /// Tells one boot of the machine from another: after a crash the host is another holder, and
    /// what it held before runs out.
    public var bootID: [UInt8]
    /// After so long without renewal other hosts can take a lock over. Hosts that share a lock
    /// should agree; the IDM lock manager's is 60 s under lvmlockd.
    public var countdown = Duration.seconds(60)
    /// A lock that could not be renewed for so long is lost, and with it the lockspace. What is
    /// left of the countdown is the time to stop using what it protects.
    public var giveUp = Duration.seconds(50)
    /// How often locks are renewed.
    public var renewalInterval = Duration.seconds(5)
    /// Where this process notes what it has joined, for the next one. Has to be empty after a boot.
    public var stateFolder = "/run/holdfast/idm"
    /// The drives of the global lock; empty for those with a partition called `propeller`.
    public var globalDrives: [String] = []
    /// Finds the drive behind a path. Blocks; called on a thread of its own.
    public var openDrive: @Sendable (_ path: String) throws(DriveError) -> any Drive

    /// Drives of this machine.
    ///
    /// - Parameter hostID: This host's number; nil for one that follows from the machine's id.
    public init(hostID: UInt64? = nil) {
        self.hostID = hostID ?? Self.numberOfMachine()
        self.bootID = Self.thisBoot
        self.openDrive = { path throws(DriveError) in try DevicePath.resolve(path).drive }
    }

    static var thisBoot: [UInt8] { Self.bytes(of: "/proc/sys/kernel/random/boot_id") }

    /// A number that hardly two machines have.
    private static func numberOfMachine() -> UInt64 {
        let bytes = Self.bytes(of: "/etc/machine-id")
        // Fowler, Noll and Vo's hash (FNV-1a); the highest bit stays free.
        return bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 } >> 1
    }

    /// The bytes of a UUID in a file, with or without dashes.
    private static func bytes(of file: String) -> [UInt8] {
        let digits = (DeviceFolder.lines(of: file).first ?? "").compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count - 1, by: 2).map {
            UInt8(digits[$0] << 4 | digits[$0 + 1])
        }
    }
}

extension IDMLockManager {
    /// Talks to the drives without an IDM lock manager.
    public init(driving access: DriveAccess) {
        self.init(access)
    }
}

extension DriveAccess: MutexAccess {
    package var capabilities: LockManagerCapabilities {
        LockManagerCapabilities(
            waitsInQueue: false, valueBlock: .changeStamp, adoption: true, ownerInformation: true,
            fencingTokens: false, leasesOnStorage: false, globalLock: .ownLockspace,
            longestLockspaceName: Limits.nameBytes, longestResourceName: 32, mostHosts: 32)
    }

    /// There is no service that could be down.
    package func isRunning() async -> Bool { true }

    /// Lockspaces that an earlier process of this boot left joined.
    public func leftBehind() async -> [Lockspace.ID] {
        let notes = JoinNotes(folder: self.stateFolder, boot: self.bootID)
        return await BlockingExecutor(label: "holdfast.idm-notes").run { notes.all }
            .map { Lockspace.ID(kind: .idm, name: $0) }
    }

    package func open(
        _ request: SpaceRequest, _ doing: String
    ) async throws(LockManagerError) -> any MutexSpace {
        let space = DriveSpace(self, request)
        try await space.begin(doing)
        return space
    }
}
