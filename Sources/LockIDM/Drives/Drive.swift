/// A drive with mutexes in it.
///
/// Commands block the caller's thread until the drive answers. They may come from several threads
/// at once; one that takes long holds up no other.
public protocol Drive: Sendable {
    /// Tells one drive from another, by whatever path it is reached.
    var identity: String { get }
    /// Sends one command and waits for the answer.
    func perform(_ command: DriveCommand) throws(DriveError) -> DriveAnswer
}

/// A command did not reach a drive, or its answer did not come back. The command may have taken
/// effect.
public struct DriveError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Which drive.
    public var drive: String
    /// What went wrong.
    public var reason: String
    /// The C library's `errno`, or the status that the drive's driver gave.
    public var status: Int32?

    /// Describes a failure.
    public init(drive: String, reason: String, status: Int32? = nil) {
        self.drive = drive
        self.reason = reason
        self.status = status
    }

    /// Drive and reason in one line.
    public var description: String { "\(self.drive): \(self.reason)" }
}

extension Drive {
    /// Every record. A drive tells how many there are, and then the records; one that comes in
    /// between is not seen.
    package func records() throws(DriveError) -> [MutexRecord] {
        if case .count(let count) = try self.perform(.count),
            case .records(let records) = try self.perform(.read(records: max(count, 1)))
        {
            return records
        }
        throw DriveError(drive: self.identity, reason: "it does not tell its mutexes")
    }
}
