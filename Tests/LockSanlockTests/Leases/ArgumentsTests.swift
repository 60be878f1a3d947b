#if Sanlock
import LockCore
import Testing

@testable import LockSanlock

@Suite struct ArgumentsTests {
    private static let groups: [(String, GroupArguments.Traits)] = [
        ("1.0.0:lvmlock", []),
        ("2.0.0:lvmlock:notimeout", .noTimeout),
        ("2.0.0:lvmlock:persist", .persistentReservations),
        ("2.0.0:lvmlock:notimeout:persist", [.noTimeout, .persistentReservations]),
    ]

    @Test(arguments: Self.groups)
    func `a volume group's arguments read and print as they are`(
        text: String, traits: GroupArguments.Traits
    ) throws {
        let arguments = try GroupArguments(text, doing: "test")
        #expect(arguments.volume == "lvmlock")
        #expect(arguments.traits == traits)
        #expect(arguments.description == text)
    }

    @Test func `a later patch of a known version is read`() throws {
        #expect(try GroupArguments("1.3.7:lvmlock", doing: "test").volume == "lvmlock")
        #expect(try VolumeArguments("1.2.0:70254592", doing: "test").offset == 70_254_592)
    }

    @Test(arguments: [
        ("", "the lock arguments are missing"),
        ("none", "the lock arguments are missing"),
        ("lvmlock", "do not begin with a version"),
        ("1.0:lvmlock", "do not begin with a version"),
        ("1.0.x:lvmlock", "do not begin with a version"),
        ("0.0.0:lvmlock", "do not begin with a version"),
        ("+1.0.0:lvmlock", "do not begin with a version"),
        ("1.0.0", "do not name the volume"),
        ("1.0.0:", "do not name the volume"),
        ("3.0.0:lvmlock", "newer than 2.x"),
        ("99999.0.0:lvmlock", "do not begin with a version"),
        ("2.0.0:lvmlock:fast", "the word \"fast\" is not known"),
        ("2.0.0:lvmlock:", "the word \"\" is not known"),
    ])
    func `what is wrong with a volume group's arguments is said`(text: String, fault: String) {
        let error = #expect(throws: LockManagerError.self) {
            try GroupArguments(text, doing: "test")
        }
        #expect(error?.code == .badArguments)
        #expect(error?.advice.contains(fault) == true, "\(error?.advice ?? "")")
    }

    @Test(arguments: [
        ("1.0.0", "do not end with the lease's offset"),
        ("1.0.0:", "do not end with the lease's offset"),
        ("1.0.0:-1", "do not end with the lease's offset"),
        ("1.0.0:+70254592", "do not end with the lease's offset"),
        ("1.0.0:70254592:1", "do not end with the lease's offset"),
        ("1.0.0:99999999999999999999", "do not end with the lease's offset"),
        ("2.0.0:70254592", "newer than 1.x"),
    ])
    func `what is wrong with a volume's arguments is said`(text: String, fault: String) {
        let error = #expect(throws: LockManagerError.self) {
            try VolumeArguments(text, doing: "test")
        }
        #expect(error?.code == .badArguments)
        #expect(error?.advice.contains(fault) == true, "\(error?.advice ?? "")")
    }

    @Test func `a volume's arguments print as lvm keeps them`() {
        #expect(VolumeArguments(offset: 70_254_592).description == "1.0.0:70254592")
    }

    @Test func `what an administrator wants is recorded, other words only act`() throws {
        let wanted = try WantedTraits("notimeout,persist,caw", doing: "test")
        #expect(wanted == [.noTimeout, .persist, .compareAndWrite])
        #expect(wanted.recorded == [.noTimeout, .persistentReservations])
        #expect(try WantedTraits("timeout,nopersist,nocaw", doing: "test").recorded == [])
        #expect(try WantedTraits("", doing: "test") == [])
    }

    @Test(arguments: ["fast", "persist,nopersist", "timeout,notimeout", "caw,nocaw", "Persist"])
    func `what an administrator cannot mean is refused`(list: String) {
        let error = #expect(throws: LockManagerError.self) {
            try WantedTraits(list, doing: "test")
        }
        #expect(error?.code == .badArguments)
    }
}
#endif
