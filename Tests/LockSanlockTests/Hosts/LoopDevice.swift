#if Sanlock
import DaemonHarness
import Foundation
import LockTesting

/// One host's way to a file that hosts share. It can be taken away from that host alone.
///
/// The kernel removes the device when the last descriptor is closed, however that comes about.
final class LoopDevice: Sendable {
    let path: String
    private let descriptor: Int32

    init(over file: String, sectorBytes: Int = 512) throws(FixtureError) {
        let command = Command(
            ["losetup", "--find", "--show", "--sector-size", "\(sectorBytes)", file])
        do {
            let (status, output) = try command.runToEnd()
            guard status == 0 else { throw HarnessError(output) }
            self.path = output.trimmingCharacters(in: .whitespacesAndNewlines)
            self.descriptor = open(self.path, O_RDWR | O_CLOEXEC)
            guard self.descriptor >= 0 else { throw HarnessError.system("open \(self.path)") }
        } catch {
            throw FixtureError("make a loop device over \(file)", "\(error)")
        }
        try self.change { $0.storeBytes(of: Self.autoClear, toByteOffset: 52, as: UInt32.self) }
    }

    deinit { close(self.descriptor) }

    /// Lets every read and write fail, of those who have it open, too.
    func takeAway() throws(FixtureError) {
        try self.limit(toBytes: 512)
        let size = lseek(self.descriptor, 0, SEEK_END)
        guard size == 512 else {
            throw FixtureError("take \(self.path) away", "it still has \(size) bytes")
        }
    }

    /// Ends what ``takeAway()`` began.
    func giveBack() throws(FixtureError) {
        try self.limit(toBytes: 0)
    }

    /// Shows only so much of the file; zero for all of it.
    private func limit(toBytes bytes: UInt64) throws(FixtureError) {
        try self.change { $0.storeBytes(of: bytes, toByteOffset: 32, as: UInt64.self) }
    }

    /// Changes fields of the device's `struct loop_info64`: `lo_sizelimit` lies at 32, and
    /// `lo_flags` at 52.
    private func change(
        _ body: (UnsafeMutableRawBufferPointer) -> Void
    ) throws(FixtureError) {
        var information = [UInt8](repeating: 0, count: 232)
        guard ioctl(self.descriptor, Self.getStatus, &information) == 0 else {
            throw FixtureError("change \(self.path)", "LOOP_GET_STATUS64 failed")
        }
        information.withUnsafeMutableBytes(body)
        guard ioctl(self.descriptor, Self.setStatus, &information) == 0 else {
            throw FixtureError("change \(self.path)", "LOOP_SET_STATUS64 failed")
        }
    }

    /// `LO_FLAGS_AUTOCLEAR`: gone with the last close.
    private static let autoClear: UInt32 = 4
    /// `LOOP_SET_STATUS64`.
    private static let setStatus: UInt = 0x4C04
    /// `LOOP_GET_STATUS64`.
    private static let getStatus: UInt = 0x4C05
}
#endif
