/// Decides where the global lock is.
///
/// Each lock manager that is in use on this host contributes one. Some keep it in a lockspace of
/// its own, started on demand; others in the volume group where it was enabled, and then there may
/// be none, or by mistake several. A request for the global lock takes all that exist, in the
/// order of the managers, so that hosts that share only one of them exclude each other too.
package struct GlobalLockMachine: Sendable {
    /// Where to take a manager's global lock.
    package enum Place: Hashable, Sendable {
        /// In a lockspace of its own, which may have to be started.
        case ownLockspace(Lockspace.ID)
        /// In this volume group's lockspace.
        case volumeGroup(Lockspace.ID)
        /// In a volume group; which, is not known: look in those that have started.
        case unknown(LockManagerKind)

        package var isUnknown: Bool { if case .unknown = self { true } else { false } }
    }

    /// A lock manager, and where it keeps the global lock.
    package struct Manager: Hashable, Sendable {
        package var kind: LockManagerKind
        package var placement: LockManagerCapabilities.GlobalLockPlacement

        package init(
            kind: LockManagerKind, placement: LockManagerCapabilities.GlobalLockPlacement
        ) {
            self.kind = kind
            self.placement = placement
        }
    }

    private let managers: [Manager]
    /// Managers that this host has shown to use.
    package private(set) var inUse: Set<LockManagerKind>
    /// The volume group whose global lock counts, for managers that keep it in one.
    private var carriers: [LockManagerKind: Lockspace.ID] = [:]
    /// Joined lockspaces that carry a global lock.
    private var enabled: Set<Lockspace.ID> = []
    /// The volume group that carried the global lock was removed while others remained.
    package private(set) var wasRemoved = false

    /// Knows the managers in the order in which their global locks are taken; `inUse` names one
    /// that counts as in use from the beginning.
    package init(managers: [Manager], inUse: LockManagerKind? = nil) {
        self.managers = managers
        self.inUse = inUse.map { [$0] } ?? []
    }

    // MARK: What happened

    /// A request named the manager, or it is the only one that runs. False if there is no such
    /// manager.
    @discardableResult
    package mutating func used(_ kind: LockManagerKind) -> Bool {
        if self.inUse.contains(kind) { return true }
        guard self.managers.contains(where: { $0.kind == kind }) else { return false }
        self.inUse.insert(kind)
        return true
    }

    /// A volume group was found, or made, to carry the global lock.
    package mutating func carrierFound(_ lockspace: Lockspace.ID, isJoined: Bool) {
        if self.carriers[lockspace.kind] == nil { self.carriers[lockspace.kind] = lockspace }
        if isJoined { self.enabled.insert(lockspace) }
    }

    /// The global lock was enabled or disabled in a joined volume group.
    package mutating func switched(_ lockspace: Lockspace.ID, enabled: Bool) {
        if enabled {
            self.wasRemoved = false
            self.enabled.insert(lockspace)
            self.carriers[lockspace.kind] = lockspace
        } else {
            self.enabled.remove(lockspace)
            self.dropCarrier(lockspace)
        }
    }

    /// A lockspace was left; `remaining` are the others.
    package mutating func left(
        _ lockspace: Lockspace.ID, _ reason: LeaveReason, remaining: some Sequence<Lockspace.ID>
    ) {
        let carried = self.enabled.remove(lockspace) != nil
        self.dropCarrier(lockspace)
        if carried, reason == .removed, remaining.contains(where: { $0.kind == lockspace.kind }) {
            self.wasRemoved = true
        }
    }

    /// The last lockspace is gone and forgotten: what is in use has to show itself anew.
    package mutating func noLockspaceLeft() {
        self.inUse = []
    }

    private mutating func dropCarrier(_ lockspace: Lockspace.ID) {
        if self.carriers[lockspace.kind] == lockspace { self.carriers[lockspace.kind] = nil }
    }

    // MARK: What follows

    /// Where to take the global lock: one place for each manager in use.
    package var places: [Place] {
        self.managers.filter { self.inUse.contains($0.kind) }.map { self.place(of: $0) }
    }

    /// The place of one manager's global lock.
    package func place(of kind: LockManagerKind) -> Place? {
        self.managers.first { $0.kind == kind }.map { self.place(of: $0) }
    }

    private func place(of manager: Manager) -> Place {
        switch manager.placement {
        case .ownLockspace: .ownLockspace(.global(kind: manager.kind))
        case .inVolumeGroup:
            self.carriers[manager.kind].map { .volumeGroup($0) } ?? .unknown(manager.kind)
        }
    }

    /// May the global lock be enabled in another volume group?
    package func mayEnable(_ kind: LockManagerKind) -> Bool {
        self.carriers[kind] == nil
    }

    /// Does this volume group carry a global lock while another does, too?
    package func isDuplicate(_ lockspace: Lockspace.ID) -> Bool {
        self.enabled.contains(lockspace)
            && self.enabled.contains { $0 != lockspace && $0.kind == lockspace.kind }
    }

    /// Does the joined volume group carry a global lock?
    package func carries(_ lockspace: Lockspace.ID) -> Bool {
        self.enabled.contains(lockspace)
    }

    /// What a client should know when a lockspace was not found. With a manager named, the notes
    /// speak of that manager alone.
    package func notesForMissing(
        _ kind: LockManagerKind?, lockspaces: some Sequence<Lockspace.ID>
    ) -> Reply.Notes {
        let meant = kind.map { [$0] } ?? self.managers.map(\.kind)
        var notes: Reply.Notes = []
        if !lockspaces.contains(where: { meant.contains($0.kind) }) { notes.insert(.noLockspaces) }
        if self.inUse.isEmpty { return notes.union([.noGlobalLock, .noManagerInUse]) }
        let used = meant.filter { self.inUse.contains($0) }
        let hasGlobalLock = used.contains { self.place(of: $0)?.isUnknown == false }
        return hasGlobalLock ? notes : notes.union(.noGlobalLock)
    }
}
