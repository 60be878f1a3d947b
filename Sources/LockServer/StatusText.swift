import LVMWire
import LockCore

/// The service's state in the lines that lvmlockctl reads.
enum StatusText {
    /// The text, and whether all of it fitted.
    static func text(
        of status: ServiceStatus, as form: InfoText.Form, notice: String
    ) -> (bytes: [UInt8], isComplete: Bool) {
        // lvmlockctl shows a line that it does not know as it stands.
        let last = notice.isEmpty ? [] : Array((notice + "\n").utf8)
        // Its buffer takes the text and a zero byte.
        let limit = form.limit - last.count - 1
        var (bytes, isComplete) = InfoText(status).rendered(as: form, limit: limit)
        bytes += last
        return (bytes, isComplete)
    }
}

extension InfoText {
    init(_ status: ServiceStatus) {
        self.init()
        self.clients = status.clients.map {
            Client(id: $0.id.rawValue, processID: $0.processID, name: $0.name)
        }
        self.lockspaces = status.lockspaces.map { Lockspace($0) }
    }
}

extension InfoText.Lockspace {
    init(_ status: LockspaceStatus) {
        let lockspace = status.lockspace
        self.init(name: lockspace.id.name, kind: lockspace.id.kind)
        self.volumeGroup = lockspace.volumeGroup
        self.volumeGroupUUID = lockspace.volumeGroupUUID
        self.arguments = lockspace.arguments
        self.hostID = status.membership?.hostID ?? 0
        self.generation = status.membership?.generation ?? 0
        self.hasFailed = status.state == .failed
        self.hasStarted = status.state != .starting
        self.isStopping = status.state == .stopping || status.state == .stopped
        self.isStopped = status.state == .stopped
        self.isKilled = status.isKilled
        self.carriesGlobalLock = status.carriesGlobalLock && !lockspace.isGlobal
        self.resources = status.resources.map { InfoText.Resource($0, lockspace.id.kind) }
    }
}

extension InfoText.Resource {
    init(_ status: ResourceStatus, _ kind: LockManagerKind) {
        self.init(
            name: status.name, mode: status.mode, version: status.version, locks: status.locks,
            actions: status.waiting.map {
                InfoText.Action(
                    clientID: $0.client.rawValue, operation: .lock, target: status.name,
                    mode: $0.mode, options: $0.isPersistent ? .persistent : [], kind: kind)
            })
    }
}
