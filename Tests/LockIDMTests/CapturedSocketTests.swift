import LockIDM
import Testing

/// The manager's socket protocol against what propeller's own library and daemon said.
@Suite struct CapturedSocketTests {
    private static let lock = LockID(
        half: Array("VGVGVGVGVGVGVGVGVGVGVGVGVGVGVGV1".utf8),
        half: Array("LVLVLVLVLVLVLVLVLVLVLVLVLVLVLVL1".utf8))
    private static let drives = ["/dev/sda", "/dev/sdb2"]

    private static func acquire(_ mode: ILMMode, drives: [String] = drives) -> ILMRequest {
        .acquire(lock, mode, drives: drives, timeoutMilliseconds: 60_000)
    }

    private static func host(_ name: String) -> HostID {
        HostID(padding: Array("HOST-\(name)-0123456789abcdefghijklm".utf8))
    }

    private static func count(others: Int, isHeldBySelf: Bool) -> ILMReply {
        let count = ILMHostCount(others: others, isHeldBySelf: isHeldBySelf)
        return ILMReply(result: 0, data: count.data)
    }

    /// What each file has, in its order.
    static let conversations: [(file: String, calls: [(ILMRequest, ILMReply)])] = [
        (
            "01-connect-lockspace",
            [
                (.addLockspace, ILMReply(result: 0)),
                (
                    .setKillPath("/usr/sbin/lvmlockctl", arguments: "--kill vg0"),
                    ILMReply(result: 128)
                ),
                (.setSignal(15), ILMReply(result: 4)),
                (.setHostID(host("ONE")), ILMReply(result: 0)),
                (.addLockspace, ILMReply(result: 0)),
                (.setHostID(host("ONE")), ILMReply(result: -16)),
                (.setHostID(host("TWO")), ILMReply(result: 0)),
            ]
        ),
        (
            "02-lock-ex",
            [
                (acquire(.exclusive), ILMReply(result: 0)),
                (acquire(.exclusive), ILMReply(result: -16)),
                (acquire(.unlocked), ILMReply(result: -22)),
                (
                    acquire(.exclusive, drives: ["/dev/nosuch", "/dev/nosuch2"]),
                    ILMReply(result: -12)
                ),
            ]
        ),
        (
            "03-lock-sh",
            [
                (acquire(.shareable), ILMReply(result: 0)),
                (acquire(.shareable), ILMReply(result: 0)),
            ]
        ),
        (
            "04-convert",
            [
                (.convert(lock, .shareable), ILMReply(result: 0)),
                (.convert(lock, .exclusive), ILMReply(result: 0)),
                (.convert(lock, .exclusive), ILMReply(result: -1)),
            ]
        ),
        (
            "05-lvb",
            [
                (.readValueBlock(lock), ILMReply(result: 0, data: Array(repeating: 0, count: 8))),
                (
                    .writeValueBlock(lock, [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef]),
                    ILMReply(result: 0)
                ),
                (.readValueBlock(lock), ILMReply(result: -1)),
            ]
        ),
        (
            "06-unlock",
            [
                (.release(lock), ILMReply(result: 0)), (.release(lock), ILMReply(result: -1)),
                (.release(lock), ILMReply(result: 0)), (.release(lock), ILMReply(result: 0)),
            ]
        ),
        (
            "07-count-mode",
            [
                (.mode(lock, drives: drives), ILMReply(result: 0, data: [1, 0, 0, 0])),
                (.hostCount(lock, drives: drives), count(others: 0, isHeldBySelf: true)),
                (.mode(lock, drives: drives), ILMReply(result: 0, data: [0, 0, 0, 0])),
                (.hostCount(lock, drives: drives), count(others: 0, isHeldBySelf: false)),
                (.hostCount(lock, drives: drives), count(others: 1, isHeldBySelf: true)),
            ]
        ),
        (
            "08-disconnect",
            [
                (.deleteLockspace, ILMReply(result: 0)), (.deleteLockspace, ILMReply(result: 0)),
            ]
        ),
        (
            "09-test-commands",
            [
                (.version(drive: "/tmp/idm/drives/sda"), ILMReply(result: 0, data: [1, 0])),
                (.stopRenewal, ILMReply(result: 0)), (.startRenewal, ILMReply(result: 0)),
                (.injectFailures(percent: 0), ILMReply(result: 4)),
                (.injectFailures(percent: 101), ILMReply(result: -22)),
            ]
        ),
    ]

    @Test(arguments: conversations.map(\.file))
    func `requests and replies are those that were captured, both ways`(_ file: String) throws {
        let calls = try CapturedBytes.calls(in: file)
        let expected = try #require(Self.conversations.first { $0.file == file }).calls
        try #require(calls.count == expected.count)
        for (call, (request, reply)) in zip(calls, expected) {
            #expect(ILMRequest(call.sent) == request, "\(call.title)")
            #expect(request.encoded == Self.withExactLength(call.sent), "\(call.title)")
            #expect(ILMReply(call.received, to: request.command) == reply, "\(call.title)")
            let noise = try #require(ILMHeader(call.received.prefix(16))).command
            #expect(reply.encoded(noise: noise) == call.received, "\(call.title)")
            guard case .hostCount = request else { continue }
            #expect(ILMHostCount(reply.data)?.data == reply.data, "\(call.title)")
        }
    }

    /// The C library says of its kill path that it is 80 bytes longer than what it sends; the
    /// daemon then waits for them.
    private static func withExactLength(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        if bytes[4] == 11 { bytes.replaceSubrange(8..<10, with: [0x10, 0x01]) }
        return bytes
    }

    @Test func `every file that was captured is compared`() throws {
        let files = Set(try CapturedBytes.files())
        #expect(files == Set(Self.conversations.map(\.file) + ["10-scsi-commands"]))
    }

    @Test func `a request that is cut short is none, at every byte`() {
        for (request, _) in Self.conversations.flatMap(\.calls) {
            let bytes = request.encoded
            for count in 0..<min(bytes.count, 400) {
                #expect(ILMRequest(Array(bytes.prefix(count))) == nil)
            }
            #expect(ILMRequest(bytes + [0]) == nil)
        }
    }
}
