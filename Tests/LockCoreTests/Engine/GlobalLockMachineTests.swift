import LockCore
import Testing

@Suite struct GlobalLockMachineTests {
    static let dlm = LockManagerKind(rawValue: "dlm")
    static let idm = LockManagerKind(rawValue: "idm")
    static let sanlock = LockManagerKind(rawValue: "sanlock")
    let vg0 = Lockspace.ID(kind: sanlock, volumeGroup: "vg0")
    let vg1 = Lockspace.ID(kind: sanlock, volumeGroup: "vg1")
    let vg2 = Lockspace.ID(kind: dlm, volumeGroup: "vg2")

    func machine(inUse kinds: LockManagerKind...) -> GlobalLockMachine {
        var machine = GlobalLockMachine(managers: [
            .init(kind: Self.dlm, placement: .ownLockspace),
            .init(kind: Self.idm, placement: .ownLockspace),
            .init(kind: Self.sanlock, placement: .inVolumeGroup),
        ])
        for kind in kinds { machine.used(kind) }
        return machine
    }

    @Test func `a manager that nobody uses has no place`() {
        #expect(self.machine().places == [])
        #expect(self.machine().notesForMissing(nil, lockspaces: []).contains(.noManagerInUse))
    }

    @Test func `a manager can count as in use from the beginning`() {
        let machine = GlobalLockMachine(
            managers: [.init(kind: Self.dlm, placement: .ownLockspace)], inUse: Self.dlm)
        #expect(machine.places == [.ownLockspace(.global(kind: Self.dlm))])
    }

    @Test func `the locks of all managers in use are taken in the managers' order`() {
        var machine = self.machine(inUse: Self.sanlock, Self.idm, Self.dlm)
        machine.carrierFound(self.vg0, isJoined: true)
        #expect(
            machine.places == [
                .ownLockspace(.global(kind: Self.dlm)), .ownLockspace(.global(kind: Self.idm)),
                .volumeGroup(self.vg0),
            ])
    }

    @Test func `a kind that is no part of the service is not noted`() {
        var machine = self.machine()
        machine.used(LockManagerKind(rawValue: "other"))
        #expect(machine.inUse.isEmpty)
        #expect(machine.place(of: LockManagerKind(rawValue: "other")) == nil)
    }

    @Test func `without a volume group that carries it, the place is unknown`() {
        let machine = self.machine(inUse: Self.sanlock)
        #expect(machine.places == [.unknown(Self.sanlock)])
        #expect(machine.mayEnable(Self.sanlock))
    }

    @Test func `the first volume group found to carry it is the place`() {
        var machine = self.machine(inUse: Self.sanlock)
        machine.carrierFound(self.vg0, isJoined: true)
        machine.carrierFound(self.vg1, isJoined: true)
        #expect(machine.places == [.volumeGroup(self.vg0)])
        #expect(!machine.mayEnable(Self.sanlock))
    }

    @Test func `two volume groups that carry it are duplicates of each other`() {
        var machine = self.machine(inUse: Self.sanlock)
        machine.carrierFound(self.vg0, isJoined: true)
        #expect(!machine.isDuplicate(self.vg0))
        machine.carrierFound(self.vg1, isJoined: true)
        #expect(machine.isDuplicate(self.vg0) && machine.isDuplicate(self.vg1))
        machine.switched(self.vg1, enabled: false)
        #expect(!machine.isDuplicate(self.vg0))
        #expect(machine.carries(self.vg0) && !machine.carries(self.vg1))
    }

    @Test func `a new volume group that is not joined yet is no duplicate`() {
        var machine = self.machine(inUse: Self.sanlock)
        machine.carrierFound(self.vg0, isJoined: false)
        machine.carrierFound(self.vg1, isJoined: true)
        #expect(machine.places == [.volumeGroup(self.vg0)])
        #expect(!machine.isDuplicate(self.vg1))
    }

    @Test func `enabling and disabling move the place`() {
        var machine = self.machine(inUse: Self.sanlock)
        machine.switched(self.vg0, enabled: true)
        #expect(machine.places == [.volumeGroup(self.vg0)])
        machine.switched(self.vg0, enabled: false)
        #expect(machine.places == [.unknown(Self.sanlock)])
        machine.switched(self.vg1, enabled: true)
        #expect(machine.places == [.volumeGroup(self.vg1)])
    }

    @Test func `a volume group that stops takes its global lock along`() {
        var machine = self.machine(inUse: Self.sanlock)
        machine.carrierFound(self.vg0, isJoined: true)
        machine.left(self.vg0, .stopped, remaining: [self.vg1])
        #expect(machine.places == [.unknown(Self.sanlock)])
        #expect(!machine.wasRemoved)
    }

    @Test func `removing the volume group that carries it is remembered until another does`() {
        var machine = self.machine(inUse: Self.sanlock)
        machine.carrierFound(self.vg0, isJoined: true)
        machine.left(self.vg0, .removed, remaining: [self.vg1])
        #expect(machine.wasRemoved)
        machine.switched(self.vg1, enabled: true)
        #expect(!machine.wasRemoved)
    }

    @Test func `removing is no loss where nothing else is left to protect`() {
        var machine = self.machine(inUse: Self.sanlock)
        machine.carrierFound(self.vg0, isJoined: true)
        machine.left(self.vg0, .removed, remaining: [self.vg2])
        #expect(!machine.wasRemoved)
        machine.left(self.vg1, .removed, remaining: [self.vg0])
        #expect(!machine.wasRemoved, "vg1 carried none")
    }

    @Test func `after the last lockspace, managers have to show themselves anew`() {
        var machine = self.machine(inUse: Self.dlm)
        machine.noLockspaceLeft()
        #expect(machine.places == [])
    }

    // MARK: Notes

    @Test func `without any lockspace and manager, the notes say all`() {
        #expect(
            self.machine().notesForMissing(nil, lockspaces: [])
                == [.noLockspaces, .noGlobalLock, .noManagerInUse])
    }

    @Test func `with a type named, the notes speak of that type alone`() {
        let machine = self.machine(inUse: Self.dlm, Self.sanlock)
        let notes = machine.notesForMissing(Self.sanlock, lockspaces: [self.vg2])
        #expect(notes == [.noLockspaces, .noGlobalLock])
        #expect(machine.notesForMissing(Self.dlm, lockspaces: [self.vg2]) == [])
        #expect(machine.notesForMissing(nil, lockspaces: [self.vg2]) == [])
    }

    @Test func `a volume group without the global lock is noted as such`() {
        let machine = self.machine(inUse: Self.sanlock)
        #expect(machine.notesForMissing(nil, lockspaces: [self.vg0]) == .noGlobalLock)
    }
}
