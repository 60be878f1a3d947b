import LVMWire
import LockCore
import Testing

@Suite struct RequestTests {
    private static func action(_ text: String) throws -> Action? {
        guard case .action(let action) = try Request.parse(frame(text)).body else { return nil }
        return action
    }

    private static func refusal(_ text: String) throws -> Reply? {
        guard case .refused(let reply) = try Request.parse(frame(text)).body else { return nil }
        return reply
    }

    @Test func `spaces, order, comments and blank lines do not matter`() throws {
        let tidy = try Request.parse(
            frame("request=\"lock_vg\"\ncmd =\"vgs\"\npid =12\nmode =\"sh\"\nvg_name =\"vg0\"\n"))
        let untidy = try Request.parse(
            frame(
                "\n# hello\n vg_name   =\"vg0\" mode= \"sh\"\r\n\tpid = 12 # mine\n\ncmd=\"vgs\""
                    + "\nfuture = -7\nother = \"x\"\nrequest = \"lock_vg\""))
        #expect(tidy == untidy)
        #expect(tidy.command == "vgs")
        #expect(tidy.processID == 12)
        #expect(
            tidy.body
                == .action(
                    Action(
                        .lock(.volumeGroup, .shared, .retries(4)), volumeGroup: "vg0")))
    }

    @Test func `of a field that comes twice the first counts`() throws {
        let action = try Self.action("request=\"stop_vg\"\nvg_name=\"a\"\nvg_name=\"b\"\n")
        #expect(action == Action(.stop, volumeGroup: "a"))
    }

    @Test func `none stands for nothing`() throws {
        let action = try Self.action(
            "request=\"lock_vg\"\nmode=\"ex\"\nopts=\"none\"\nvg_name=\"a\"\n"
                + "vg_lock_type=\"none\"\n"
                + "vg_lock_args=\"none\"\n")
        #expect(action?.kind == nil)
        #expect(action?.options == [])
    }

    @Test func `a backslash protects a quote and a backslash`() throws {
        let action = try Self.action(#"request="refresh_lv" path="/dev/a\"b\\c\d""#)
        #expect(action?.operation == .refreshLogicalVolume(path: #"/dev/a"b\c\d"#))
    }

    @Test func `the mode un is an unlock`() throws {
        #expect(
            try Self.action("request=\"lock_gl\"\nmode=\"un\"\nvg_lock_type=\"dlm\"")
                == Action(.unlock(.global), kind: LockManagerKind(rawValue: "dlm")))
    }

    @Test(arguments: [("", 4), ("max_retries = 0", 0), ("max_retries = -5", -1)])
    func `retries become waiting`(_ field: String, _ retries: Int) throws {
        let action = try Self.action("request=\"lock_gl\"\nmode=\"ex\"\n\(field)")
        #expect(action?.operation == .lock(.global, .exclusive, .retries(retries)))
        let volume = try Self.action(
            "request=\"lock_lv\"\nmode=\"ex\"\nvg_name=\"v\"\nlv_uuid=\"u\"\n\(field)")
        #expect(
            volume?.operation
                == .lock(
                    .logicalVolume(LogicalVolume(uuid: "u")), .exclusive,
                    .passingConflicts(retries: retries)))
    }

    @Test func `more retries than anybody counts do not overflow`() throws {
        let action = try Self.action(
            "request=\"lock_gl\"\nmode=\"ex\"\nmax_retries = \(Int64.max)")
        #expect(action?.operation == .lock(.global, .exclusive, .retries(Int(Int32.max))))
    }

    @Test(arguments: ["nl", "iv", "ey", "", "SH"])
    func `a lock in a mode that no lock has is left to the service`(_ mode: String) throws {
        for request in ["lock_gl", "lock_vg", "lock_lv"] {
            let text =
                "request=\"\(request)\"\nvg_name=\"v\"\nlv_uuid=\"u\"\nmode=\"\(mode)\"\n"
                + "vg_lock_type=\"sanlock\""
            guard case .lock(_, .null, _) = try Self.action(text)?.operation else {
                Issue.record("\(text)")
                continue
            }
        }
    }

    @Test(arguments: ["", "vg_lock_type = \"none\"", "vg_lock_type = \"\""])
    func `a start without lock type is refused`(_ type: String) throws {
        let reply = try Self.refusal("request=\"start_vg\"\nvg_name=\"v\"\n\(type)")
        #expect(reply?.error == .invalidRequest)
    }

    @Test func `a lock type that nobody knows is the service's to judge`() throws {
        let action = try Self.action("request=\"start_vg\"\nvg_name=\"v\"\nvg_lock_type=\"foo\"")
        #expect(action?.kind?.rawValue == "foo")
    }

    @Test func `a start says all about its lockspace`() throws {
        let action = try Self.action(
            """
            request="start_vg"
            vg_name ="v"
            vg_lock_type ="idm"
            vg_lock_args ="none"
            vg_uuid ="U-1"
            version =2
            host_id =7
            opts ="start_init,wait,adopt_only,nodelay,repair"
            path_num =3
            path[0] ="/dev/a"
            path[1] ="none"
            path[2] ="/dev/c"
            """)
        let idm = LockManagerKind(rawValue: "idm")
        #expect(
            action
                == Action(
                    .start(
                        Lockspace(
                            volumeGroup: "v", kind: idm, uuid: "U-1",
                            drives: ["/dev/a", "/dev/c"], hostID: 7)),
                    volumeGroup: "v", kind: idm,
                    options: [.wait, .adoptOnly, .noDelay, .repair]))
    }

    @Test func `options are whole words between commas or spaces`() throws {
        func options(_ text: String) throws -> Action.Options? {
            try Self.action("request=\"disable_gl\"\nvg_name=\"v\"\nopts=\"\(text)\"")?.options
        }
        #expect(try options("ex_disable") == .exclusively)
        #expect(try options("wait force ") == [.wait, .force])
        #expect(try options("adopt") == .adopt)
        #expect(
            try options("persistent,unlock_cancel,next_version") == [
                .persistent, .unlockCancel, .nextVersion,
            ])
        #expect(try options("enabled,nothing,,start_init,none") == [])
        #expect(
            try options("enable,disable,nodelay,repair,adopt_only") == [
                .enable, .disable, .noDelay, .repair, .adoptOnly,
            ])
    }

    @Test func `a new volume group says whether it carries the global lock`() throws {
        func request(_ options: String) throws -> VolumeGroupRequest? {
            let action = try Self.action(
                "request=\"init_vg\"\nvg_name=\"v\"\nvg_lock_type=\"sanlock\"\nalign_mb=8\n"
                    + "vg_lock_args=\"lvmlock\"\nset_lock_args=\"persist\"\nopts=\"\(options)\"")
            guard case .initialiseVolumeGroup(let request) = action?.operation else { return nil }
            return request
        }
        let plain = VolumeGroupRequest(
            volumeGroup: "v", arguments: "lvmlock", wanted: "persist", leaseMiB: 8)
        #expect(try request("none") == plain)
        #expect(try request("enable")?.globalLock == true)
        #expect(try request("disable")?.globalLock == false)
    }

    @Test func `a new logical volume says what its lease needs`() throws {
        let action = try Self.action(
            "request=\"init_lv\"\nvg_name=\"v\"\nlv_name=\"l\"\nlv_uuid=\"u\"\n"
                + "prev_lv_args=\"1.0.0:7\"\nvg_lock_args=\"1.0.0:lvmlock\"\n"
                + "lv_size_bytes=\(UInt64(1) << 40)"
        )
        #expect(
            action?.operation
                == .initialiseLogicalVolume(
                    LogicalVolumeRequest(
                        volumeGroup: "v", groupArguments: "1.0.0:lvmlock",
                        volume: LogicalVolume(uuid: "u", name: "l"), previousArguments: "1.0.0:7",
                        volumeBytes: 1 << 40)))
    }

    @Test(arguments: [
        ("query_lock_vg", Action.Operation.queryLock(.volumeGroup)),
        ("query_lock_lv", .queryLock(.logicalVolume(LogicalVolume(uuid: "u")))),
        ("set_remote_lv_lock", .simulateRemoteLock(uuid: "u", .exclusive)),
        ("free_vg", .freeVolumeGroup), ("free_lv", .freeLogicalVolume(LogicalVolume(uuid: "u"))),
        ("busy_vg", .busy), ("stop_vg", .stop), ("kill_vg", .kill), ("drop_vg", .drop),
        ("vg_update", .update(version: 9)), ("vg_status", .volumeGroupStatus),
        ("enable_gl", .enableGlobalLock), ("disable_gl", .disableGlobalLock),
        ("rename_vg_before", .renameBefore), ("find_free_lock", .findFreeLease(volumeBytes: 3)),
        ("rename_vg_final", .renameFinal(VolumeGroupRequest(volumeGroup: "v"))),
        ("setlockargs_vg_before", .changeArgumentsBefore(VolumeGroupRequest(volumeGroup: "v"))),
        ("setlockargs_vg_final", .changeArgumentsFinal(VolumeGroupRequest(volumeGroup: "v"))),
    ])
    func `each request about a volume group becomes its operation`(
        _ name: String, _ operation: Action.Operation
    ) throws {
        let fields = "lv_uuid=\"u\"\nmode=\"ex\"\nversion=9\nlv_size_bytes=3"
        let action = try Self.action("request=\"\(name)\"\nvg_name=\"v\"\n\(fields)")
        #expect(action == Action(operation, volumeGroup: "v"))
        #expect(
            throws: WireError(
                .missingField, field: "vg_name", operation: OperationNumber(operation))
        ) {
            try Request.parse(frame("request=\"\(name)\"\n\(fields)"))
        }
    }

    @Test(arguments: [
        ("start_wait", Action.Operation.startWait), ("stop_all", .stopAll),
        ("running_lm", .runningManager), ("quit", .quit),
    ])
    func `each request about the service becomes its operation`(
        _ name: String, _ operation: Action.Operation
    ) throws {
        #expect(try Self.action("request=\"\(name)\"") == Action(operation))
    }

    @Test func `hello, info and dump are no actions`() throws {
        #expect(try Request.parse(frame("request = \"hello\"\n")).body == .hello)
        #expect(try Request.parse(frame("request = \"info\"\n")).body == .info)
        #expect(try Request.parse(frame("request = \"dump\"\n")).body == .dump)
    }
}
