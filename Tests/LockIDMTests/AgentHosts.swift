import Foundation
import LockCore
import LockIDM
import LockTesting

/// How fast everything is where hosts are processes: slow enough that a busy machine keeps up.
enum HostTimes {
    static let countdown = Duration.milliseconds(2000)
    static let giveUp = Duration.milliseconds(1400)
    static let checkInterval = Duration.milliseconds(100)

    static let rules = HostTiming(
        callLimit: .seconds(20), joinLimit: .seconds(30), takeoverLimit: .seconds(20),
        quiet: .milliseconds(100), outage: .milliseconds(3500))
}

/// What rules do to a volume group's locks, by the bytes that the drives know them by.
enum GroupNames {
    /// A UUID that follows from the group's name.
    static func uuid(of group: String) -> String {
        [0xcbf2_9ce4_8422_2325, 0x9ae1_6a3b_2f90_404f].map { (basis: UInt64) in
            let hash = group.utf8.reduce(basis) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
            let digits = String(hash, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    static func lock(_ lockspace: Lockspace.ID, _ name: Resource.Name) throws(FixtureError)
        -> LockID
    {
        let uuid = Self.uuid(of: String(lockspace.name.dropFirst(4)))
        let part: String =
            if case .logicalVolume(let volume) = name { volume } else { "" }
        guard let lock = LockID(volumeGroup: uuid, part: part) else {
            throw FixtureError("name \(name)", "it is too long")
        }
        return lock
    }
}

/// The long forms of the tests are wanted.
let isFull = ProcessInfo.processInfo.environment["HOLDFAST_LONG_RUNS"] != nil
