import DaemonHarness

/// The lock managers that both daemons can play in test mode.
enum Kind: String, CaseIterable {
    case dlm
    case sanlock
}

/// What can be locked, in the order in which clients ask for it.
enum LockTarget: Hashable, Comparable {
    case global
    case volumeGroup(String)
    case logicalVolume(String, Int)

    var volumeGroup: String? {
        switch self {
        case .global: nil
        case .volumeGroup(let name), .logicalVolume(let name, _): name
        }
    }

    var isLogicalVolume: Bool {
        if case .logicalVolume = self { true } else { false }
    }
}

/// One thing that one of the clients does.
struct Step: CustomStringConvertible {
    enum Action {
        case request(Message)
        /// Closes the connection and opens a new one.
        case close
    }

    /// What a request for a lock asks for.
    struct Lock {
        let target: LockTarget
        let mode: String
        let persistent: Bool
        /// May it cancel another client's request?
        let cancels: Bool
    }

    let client: Int
    let action: Action
    var lock: Lock?

    /// A request's name; "close" for a close.
    var name: String {
        self["request"] ?? "close"
    }

    subscript(key: String) -> String? {
        guard case .request(let message) = self.action else { return nil }
        return message[key]
    }

    /// Only a request for a lock can wait for another client.
    var canWait: Bool {
        self.lock.map { $0.mode != "un" } ?? false
    }

    /// Does it make a lockspace start or stop, which goes on after the reply?
    var movesLockspace: Bool {
        let moving = ["start_vg", "stop_vg", "free_vg", "drop_vg", "rename_vg_before"]
        return moving.contains(self.name)
    }

    /// What a reader of a transcript needs.
    var description: String {
        let shown = ["mode", "opts", "vg_name", "lv_name", "vg_lock_type", "version"]
        let values = shown.compactMap { self[$0] }.filter { $0 != "none" }
        return (["client \(self.client)", self.name] + values).joined(separator: " ")
    }
}
