#if Sanlock
import Foundation
import LockCore
import LockTesting

/// Sanlock's machines, all of them on this one: a daemon for each, and a loop device for each
/// over every volume group's file of leases.
actor SanlockWorld: HostWorld {
    /// The shortest that sanlock takes; every time of its own follows from it.
    static let ioTimeoutSeconds = 1
    /// A host is dead so long after its last sign of life: 8 io timeouts, after which sanlock
    /// kills whoever uses the lockspace, and the minute that a watchdog has
    /// (`calc_host_dead_seconds`).
    static let deadAfter = Duration.seconds(8 * ioTimeoutSeconds + 60)

    nonisolated let timing: HostTiming
    nonisolated let abilities = Set(HostAbility.allCases)
    nonisolated let hostCount: Int
    /// Everything that belongs to these hosts.
    nonisolated let folder: String
    private let sectorBytes: Int
    private var daemons: [Int: HostDaemon] = [:]
    private var devices: [Lockspace.ID: [LoopDevice]] = [:]
    private let executor = BlockingExecutor(label: "sanlock-world")

    init(folder: String, hostCount: Int, sectorBytes: Int = 512) {
        self.folder = folder
        self.hostCount = hostCount
        self.sectorBytes = sectorBytes
        self.timing = HostTiming(
            callLimit: .seconds(30), joinLimit: .seconds(120),
            takeoverLimit: Self.deadAfter + .seconds(40), quiet: .seconds(2),
            outage: Self.deadAfter + .seconds(10))
    }

    nonisolated func runFolder(of host: Int) -> String { "\(self.folder)/\(host)/run" }
    nonisolated func leaseFolder(of host: Int) -> String { "\(self.folder)/\(host)/leases" }
    /// Where the host's agent looks for faults.
    nonisolated func faultFolder(of host: Int) -> String { "\(self.folder)/\(host)/faults" }

    // MARK: Machines

    func processStarts(on host: Int) async throws(FixtureError) {
        if self.daemons[host] != nil { return }
        let runFolder = self.runFolder(of: host)
        let folders = [self.leaseFolder(of: host), self.faultFolder(of: host)]
        self.daemons[host] = try await self.executor.run { () throws(FixtureError) in
            for folder in folders {
                do {
                    try FileManager.default.createDirectory(
                        atPath: folder, withIntermediateDirectories: true)
                } catch {
                    throw FixtureError("make \(folder)", "\(error)")
                }
            }
            return try HostDaemon(runFolder: runFolder, hostName: "host-\(host)")
        }
    }

    func crash(_ host: Int) async throws(FixtureError) {
        guard let daemon = self.daemons.removeValue(forKey: host) else { return }
        await self.executor.run { daemon.kill() }
    }

    /// Its storage fails. To stop the daemon instead would not do for as long as others need to
    /// take over: a machine's watchdog would not let it go on after that.
    func cutOff(_ host: Int) async throws(FixtureError) {
        for devices in self.devices.values { try devices[host - 1].takeAway() }
    }

    func reconnect(_ host: Int) async throws(FixtureError) {
        for devices in self.devices.values { try devices[host - 1].giveBack() }
    }

    /// Leaves the fault where the host's agent finds it. The real daemon knows nothing of it.
    func strike(
        _ call: HostCall, on host: Int, of resource: Resource.ID, with fault: HostFault
    ) async throws(FixtureError) {
        let text =
            switch fault {
            case .fails: "fails"
            case .answerIsLost: "answer-lost"
            case .delay(let duration):
                // Long outages are for what has to expire; a call answers within its own limit.
                "\(min(duration, self.timing.callLimit / 3).components.seconds * 1000)"
            }
        let path = "\(self.faultFolder(of: host))/\(call.rawValue).\(resource.name)"
        do {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        } catch {
            throw FixtureError("write \(path)", "\(error)")
        }
    }

    /// Stops the daemon from running, until ``resume(_:)``. Storage that does not answer looks the
    /// same to those who call it.
    func pause(_ host: Int) {
        self.daemons[host]?.pause()
    }

    /// Ends what ``pause(_:)`` began.
    func resume(_ host: Int) {
        self.daemons[host]?.resume()
    }

    /// Ends every daemon.
    func stop() async {
        for host in self.daemons.keys.sorted() {
            guard let daemon = self.daemons.removeValue(forKey: host) else { continue }
            await self.executor.run { daemon.kill() }
        }
        self.devices = [:]
    }

    // MARK: Storage

    /// Takes the storage from the host until its daemon has given the lockspace up. That cannot
    /// be undone; so the storage comes back then, and the host can join again.
    func takeAway(_ lockspace: Lockspace.ID, from host: Int) async throws(FixtureError) {
        guard let device = self.devices[lockspace]?[host - 1], let daemon = self.daemons[host]
        else { throw FixtureError("take \(lockspace) away", "there is no such storage") }
        let limit = self.timing.time.now + .seconds(60)
        try device.takeAway()
        do {
            while try await self.executor.run({ try daemon.keeps(lockspace.name) }) {
                guard self.timing.time.now < limit else {
                    let status = try await self.executor.run {
                        try HostDaemon.client(["status", "-D"], of: daemon.runFolder)
                    }
                    throw FixtureError(
                        "wait for the loss", "the daemon does not mind:\n\(status)")
                }
                try await Task.sleep(for: .milliseconds(200))
            }
        } catch {
            throw FixtureError("take \(lockspace) away", "\(error)")
        }
        try device.giveBack()
    }

    func makeVolumeGroup(
        named name: String, with manager: any LockManager
    ) async throws(FixtureError) -> Lockspace {
        let request = VolumeGroupRequest(
            volumeGroup: name, arguments: Self.leaseVolume, globalLock: false)
        let id = Lockspace.ID(kind: manager.kind, volumeGroup: name)
        try await self.makeStorage(of: id, named: name)
        do throws(LockManagerError) {
            let made = try await manager.initialise(request)
            return Lockspace(volumeGroup: name, kind: manager.kind, arguments: made.arguments)
        } catch {
            throw FixtureError("make volume group \(name)", "\(error)")
        }
    }

    /// Makes a file that hosts share, and for each host a device and its name. What an earlier
    /// lockspace of that name had is gone.
    func makeStorage(
        of id: Lockspace.ID, named name: String
    ) async throws(FixtureError) {
        self.removeStorage(of: id, named: name)
        let (file, sectorBytes) = ("\(self.folder)/\(name)", self.sectorBytes)
        let folders = (1...self.hostCount).map(self.leaseFolder(of:))
        self.devices[id] = try await self.executor.run { () throws(FixtureError) in
            let descriptor = open(file, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
            guard descriptor >= 0, ftruncate(descriptor, Self.leaseVolumeBytes) == 0 else {
                throw FixtureError("make \(file)", String(cString: strerror(errno)))
            }
            close(descriptor)
            var devices: [LoopDevice] = []
            for folder in folders {
                let device = try LoopDevice(over: file, sectorBytes: sectorBytes)
                do {
                    try FileManager.default.createDirectory(
                        atPath: folder, withIntermediateDirectories: true)
                    try FileManager.default.createSymbolicLink(
                        atPath: "\(folder)/\(name)-\(Self.leaseVolume)",
                        withDestinationPath: device.path)
                } catch {
                    throw FixtureError("link \(device.path)", "\(error)")
                }
                devices.append(device)
            }
            return devices
        }
    }

    func remove(_ lockspace: Lockspace) async {
        self.removeStorage(of: lockspace.id, named: lockspace.volumeGroup)
    }

    private func removeStorage(of id: Lockspace.ID, named name: String) {
        self.devices[id] = nil
        for host in 1...self.hostCount {
            unlink("\(self.leaseFolder(of: host))/\(name)-\(Self.leaseVolume)")
        }
        unlink("\(self.folder)/\(name)")
    }

    /// What LVM calls the volume that carries the leases.
    static let leaseVolume = "lvmlock"
    /// Room for LVM's own leases and for a few dozen volumes; nothing of it is written before
    /// it is used.
    private static let leaseVolumeBytes = 128 * 1024 * 1024
}
#endif
