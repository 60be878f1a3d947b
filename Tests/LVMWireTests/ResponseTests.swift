import LVMWire
import LockCore
import Testing

@Suite struct ResponseTests {
    private static let sanlock = LockManagerKind(rawValue: "sanlock")
    private static let dlm = LockManagerKind(rawValue: "dlm")

    private static func text(_ reply: Reply, to operation: OperationNumber) -> String {
        String(decoding: Response.encode(reply, to: operation), as: UTF8.self)
    }

    private static func reply(
        _ error: LockErrorCode? = nil, kind: LockManagerKind? = sanlock, fromManager: Bool = false,
        notes: Reply.Notes = [], generation: UInt64 = 0,
        with content: Reply.Content = .nothing
    ) -> Reply {
        var reply = Reply(error, isFromManager: fromManager, notes: notes, content: content)
        reply.kind = kind
        reply.generation = generation
        return reply
    }

    @Test func `an ordinary reply ends with the lockspace's generation`() {
        #expect(
            Self.text(Self.reply(generation: 17), to: .lock) == """
                response = "OK"
                op = 7
                lock_type = "sanlock"
                op_result = 0
                lm_result = 0
                result_flags = "none"
                ls_generation = 17

                ##

                """)
    }

    @Test func `the lock manager's own answer is repeated`() {
        let text = Self.text(Self.reply(.storageFailed, fromManager: true), to: .lock)
        #expect(text.contains("op_result = -218\nlm_result = -218\n"))
        let engine = Self.text(Self.reply(.alreadyHeld), to: .lock)
        #expect(engine.contains("op_result = -114\nlm_result = 0\n"))
    }

    @Test func `a disabled global lock is not found, though the manager says otherwise`() {
        let text = Self.text(Self.reply(.globalLockDisabled, fromManager: true), to: .lock)
        #expect(text.contains("op_result = -210\nlm_result = -49\n"))
    }

    @Test func `a contended lock names its owner where it is known`() {
        let owner = Host(id: 2, generation: 5, timestamp: 913, state: .live, name: "node2")
        let reply = Self.reply(.contended, fromManager: true, generation: 3, with: .host(owner))
        #expect(
            Self.text(reply, to: .lock) == """
                response = "OK"
                op = 7
                lock_type = "sanlock"
                op_result = -11
                lm_result = -11
                owner_host_id = 2
                owner_generation = 5
                owner_timestamp = 913
                owner_state = "LIVE"
                owner_name = "node2"
                result_flags = "none"

                ##

                """)
    }

    @Test func `an owner without name or number is as good as none`() {
        let nameless = Self.text(Self.reply(.contended, with: .host(Host(id: 2))), to: .lock)
        #expect(nameless.contains("owner_name = \"none\"\n"))
        let unknown = Self.text(Self.reply(.contended, with: .host(Host(id: 0))), to: .lock)
        #expect(!unknown.contains("owner"))
        #expect(unknown.contains("ls_generation"))
    }

    @Test func `a start tells the previous generation`() {
        #expect(
            Self.text(Self.reply(with: .previousGeneration(8)), to: .start) == """
                response = "OK"
                op = 5
                lock_type = "sanlock"
                op_result = 0
                lm_result = 0
                prev_generation = 8
                result_flags = "none"

                ##

                """)
        let first = Self.text(Self.reply(with: .previousGeneration(0)), to: .start)
        #expect(first.contains("ls_generation = 0"))
    }

    @Test func `a volume group's status names this host, and zeros where there is none`() {
        let host = Host(id: 1, generation: 4, timestamp: 77, state: .live, name: "ignored")
        #expect(
            Self.text(Self.reply(with: .host(host)), to: .volumeGroupStatus) == """
                response = "OK"
                op = 25
                lock_type = "sanlock"
                op_result = 0
                lm_result = 0
                owner_host_id = 1
                owner_generation = 4
                owner_timestamp = 77
                owner_state = "LIVE"
                owner_name = "none"
                result_flags = "none"

                ##

                """)
        let missing = Self.text(
            Self.reply(.lockspaceNotFound, kind: nil, notes: .noLockspaces), to: .volumeGroupStatus)
        #expect(
            missing.contains(
                """
                lock_type = "none"
                op_result = -210
                lm_result = 0
                owner_host_id = 0
                owner_generation = 0
                owner_timestamp = 0
                owner_state = "none"
                owner_name = "none"
                result_flags = "NO_LOCKSPACES,"
                """))
    }

    @Test(arguments: [OperationNumber.initialise, .setArgumentsFinal])
    func `lock arguments come back`(_ operation: OperationNumber) {
        let reply = Self.reply(with: .arguments(volumeGroup: "1.0.0:lvmlock", logicalVolume: ""))
        #expect(
            Self.text(reply, to: operation) == """
                response = "OK"
                op = \(operation.rawValue)
                op_result = 0
                lm_result = 0
                vg_lock_args = "1.0.0:lvmlock"
                lv_lock_args = "none"
                result_flags = "none"

                ##

                """)
        let failed = Self.text(Self.reply(.storageFailed), to: operation)
        #expect(failed.contains("vg_lock_args = \"none\""))
    }

    @Test func `a query answers with the mode`() {
        #expect(
            Self.text(Self.reply(kind: Self.dlm, with: .mode(.exclusive)), to: .queryLock) == """
                response = "OK"
                op = 23
                op_result = 0
                lock_type = "dlm"
                mode = "ex"

                ##

                """)
        let unknown = Self.text(Self.reply(.lockspaceNotFound, kind: nil), to: .queryLock)
        #expect(unknown.contains("op_result = -210\nlock_type = \"none\"\nmode = \"iv\"\n"))
    }

    @Test func `a simulated lock gets the shortest reply`() {
        #expect(
            Self.text(Self.reply(.notPermitted), to: .setRemoteLock)
                == "response = \"OK\"\nop = 30\nop_result = -1\n\n##\n")
    }

    @Test func `stopping all answers with the lockspaces left`() {
        let text = Self.text(Self.reply(kind: nil, with: .lockspacesLeft(3)), to: .stopAll)
        #expect(text.contains("lock_type = \"none\"\nop_result = 3\nlm_result = 0\n"))
    }

    @Test(arguments: [("dlm", 2), ("sanlock", 3), ("idm", 4), ("other", -37)])
    func `the running manager is a number`(_ kind: String, _ number: Int) {
        let content = Reply.Content.manager(LockManagerKind(rawValue: kind))
        let text = Self.text(Self.reply(kind: nil, with: content), to: .runningManager)
        #expect(text.contains("op = 18\nlock_type = \"none\"\nop_result = \(number)\n"))
    }

    @Test func `no manager and several managers are errors`() {
        let none = Self.text(Self.reply(.noManagerRunning, kind: nil), to: .runningManager)
        #expect(none.contains("op_result = -37\n"))
        let several = Self.text(
            Self.reply(.severalManagersRunning, kind: nil), to: .runningManager)
        #expect(several.contains("op_result = -54\n"))
    }

    @Test func `hello and quit tell the protocol`() {
        let greeting = "protocol = \"lvmlockd\"\nversion = 1\n\n##\n"
        #expect(
            String(decoding: Response.hello(), as: UTF8.self)
                == "response = \"OK\"\nresult = 0\n" + greeting)
        #expect(
            Self.text(Reply(.lockspaceBusy), to: .quit)
                == "response = \"OK\"\nresult = -16\n" + greeting)
    }

    @Test func `a dump announces its length`() {
        #expect(
            String(decoding: Response.dump(bytes: 1025, result: .dumpCut), as: UTF8.self)
                == "response = \"OK\"\nresult = -28\ndump_len = 1025\n\n##\n")
    }

    private static let flags: [(Reply.Notes, String)] = [
        ([.noLockspaces], "NO_LOCKSPACES,"),
        ([.noLockspaces, .noGlobalLock], "NO_LOCKSPACES,NO_GL_LS,"),
        ([.noLockspaces, .noGlobalLock, .noManagerInUse], "NO_LOCKSPACES,NO_GL_LS"),
        (
            [.noLockspaces, .noGlobalLock, .noManagerInUse, .noManager],
            "NO_LOCKSPACES,NO_GL_LS,NO_LM"
        ),
        ([.noGlobalLock], "NO_GL_LS,"),
        ([.noManagerInUse], "NO_GL_LS"),
        ([.noManagerInUse, .globalLockRemoved], "NO_GL_LS,WARN_GL_REMOVED,"),
        ([.duplicateGlobalLock], "DUP_GL_LS,"),
        ([.globalLockRemoved], "WARN_GL_REMOVED,"),
        ([.sharedLockExists], "SH_EXISTS,"),
        ([.hostsUnknown], "HOSTS_UNKNOWN,"),
        ([], "none"),
    ]

    @Test(arguments: Self.flags)
    func `flags have the commas that upstream writes`(_ notes: Reply.Notes, _ flags: String) {
        #expect(
            Self.text(Self.reply(.lockspaceNotFound, notes: notes), to: .lock)
                .contains("result_flags = \"\(flags)\"\n"))
    }

    @Test func `no text from elsewhere ends a line or a frame`() throws {
        let kind = LockManagerKind(rawValue: "a\"\n##\n\\")
        let bytes = Response.encode(Self.reply(kind: kind), to: .lock)
        var reader = FrameReader()
        reader.append(bytes)
        let reply = try ClientResponse(try #require(try reader.next()))
        #expect(reply.string("lock_type") == "a\" ## \\")
        #expect(try reader.next() == nil)
    }

    @Test func `numbers of every size are written`() throws {
        for number in [0, 9, 10, 99, 1234567890, UInt64.max / 2, UInt64(Int64.max)] {
            let bytes = Response.encode(Self.reply(generation: number), to: .lock)
            let reply = try ClientResponse(Array(bytes.dropLast(4)))
            #expect(reply.int("ls_generation") == Int64(number))
        }
        #expect(Self.text(Self.reply(generation: .max), to: .lock).contains(" = \(UInt64.max)\n"))
    }
}
