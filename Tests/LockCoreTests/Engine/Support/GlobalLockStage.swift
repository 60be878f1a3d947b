import LockCore

/// Performs transcripts on a ``GlobalLockMachine`` with the managers dlm, idm and sanlock.
struct GlobalLockStage: Transcript.Stage {
    private var machine = GlobalLockMachine(managers: [
        .init(kind: LockManagerKind(rawValue: "dlm"), placement: .ownLockspace),
        .init(kind: LockManagerKind(rawValue: "idm"), placement: .ownLockspace),
        .init(kind: LockManagerKind(rawValue: "sanlock"), placement: .inVolumeGroup),
    ])
    private var joined: [Lockspace.ID] = []

    mutating func perform(_ command: Transcript.Command) throws -> [String] {
        switch command.verb {
        case "used": self.machine.used(LockManagerKind(rawValue: try command.word(0)))
        case "joined":
            let lockspace = try self.lockspace(command)
            self.joined.append(lockspace)
            self.machine.used(lockspace.kind)
            if command.has("gl") { self.machine.carrierFound(lockspace, isJoined: true) }
        case "enabled": self.machine.switched(try self.lockspace(command), enabled: true)
        case "disabled": self.machine.switched(try self.lockspace(command), enabled: false)
        case "left":
            let lockspace = try self.lockspace(command)
            self.joined.removeAll { $0 == lockspace }
            let reason: LeaveReason = command.has("removed") ? .removed : .stopped
            self.machine.left(lockspace, reason, remaining: self.joined)
            if self.joined.isEmpty { self.machine.noLockspaceLeft() }
        case "missing":
            let kind = command.words.first.map { LockManagerKind(rawValue: $0) }
            let notes = self.machine.notesForMissing(kind, lockspaces: self.joined)
            return ["lockspaceNotFound \(Self.words(notes))"]
        default: throw Transcript.Failure("no such command: \(command.verb)")
        }
        return [self.places] + self.warnings
    }

    private func lockspace(_ command: Transcript.Command) throws -> Lockspace.ID {
        Lockspace.ID(
            kind: LockManagerKind(rawValue: try command.word(0)), volumeGroup: try command.word(1))
    }

    private var places: String {
        let places = self.machine.places.map { place in
            switch place {
            case .ownLockspace(let lockspace): "\(lockspace) of \(lockspace.kind)"
            case .volumeGroup(let lockspace): "\(lockspace) of \(lockspace.kind)"
            case .unknown(let kind): "nowhere yet for \(kind)"
            }
        }
        return "take: " + (places.isEmpty ? "nothing" : places.joined(separator: ", then "))
    }

    private var warnings: [String] {
        let duplicates = self.joined.filter { self.machine.isDuplicate($0) }
        return duplicates.map { "duplicate: \($0)" }
            + (self.machine.wasRemoved ? ["the global lock was removed"] : [])
    }

    private static func words(_ notes: Reply.Notes) -> String {
        let names: [(Reply.Notes, String)] = [
            (.noLockspaces, "noLockspaces"), (.noGlobalLock, "noGlobalLock"),
            (.noManagerInUse, "noManagerInUse"),
        ]
        return "[\(names.filter { notes.contains($0.0) }.map(\.1).joined(separator: ", "))]"
    }
}
