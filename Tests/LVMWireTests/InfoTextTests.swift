import LVMWire
import LockCore
import Testing

@Suite struct InfoTextTests {
    private static let dlm = LockManagerKind(rawValue: "dlm")

    private static func text(_ info: InfoText, _ form: InfoText.Form) -> String {
        String(decoding: info.rendered(as: form).bytes, as: UTF8.self)
    }

    /// The state behind the captured `T-dlm/14-info.txt`.
    private static var busy: InfoText {
        var global = InfoText.Lockspace(name: "lvm_global", kind: self.dlm)
        global.hasStarted = true
        global.resources = [
            InfoText.Resource(name: .volumeGroup, mode: .unlocked),
            InfoText.Resource(name: .global, mode: .unlocked, version: 1),
        ]
        var group = InfoText.Lockspace(name: "lvm_vt", kind: self.dlm)
        group.volumeGroup = "vt"
        group.volumeGroupUUID = "4nkAH9-OpD1-opzy-flVI-skvx-cc0d-11k8bQ"
        group.arguments = "1.0.0:test"
        group.hasStarted = true
        group.generation = 3
        group.resources = [
            InfoText.Resource(
                name: .logicalVolume("wQK7lJ"), mode: .exclusive,
                locks: [Lock(mode: .exclusive, owner: nil)]),
            InfoText.Resource(
                name: .volumeGroup, mode: .shared, version: 4,
                locks: [Lock(mode: .shared, owner: Client.ID(9), version: 4)],
                actions: [
                    InfoText.Action(
                        clientID: 10, operation: .lock, target: .volumeGroup, mode: .exclusive,
                        kind: self.dlm, owner: Host(id: 2, generation: 6))
                ]),
        ]
        var info = InfoText()
        info.clients = [
            InfoText.Client(id: 9, processID: 1234, descriptor: 7, name: "vgs"),
            InfoText.Client(id: 10, processID: 1235, descriptor: 8),
        ]
        info.lockspaces = [global, group]
        return info
    }

    @Test func `the lines are those of 2_03_40`() {
        let expected = """
            info=structs unused_action_count=0 unused_client_count=0 unused_resource_count=0 \
            unused_lock_count=0
            info=client pid=1234 fd=7 pi=0 id=9 name=vgs
            info=client pid=1235 fd=8 pi=0 id=10 name=.
            info=ls ls_name=lvm_global vg_name= vg_uuid= vg_args= lm_type=dlm host_id=0 \
            generation=0 create_fail=0 create_done=1 thread_work=0 thread_stop=0 \
            thread_done=0 kill_vg=0 fence_pr=0 no_timeout=0 sanlock_gl_enabled=0
            info=r name=VGLK type=vg mode=un sh_count=0 version=0
            info=r name=GLLK type=gl mode=un sh_count=0 version=1
            info=ls ls_name=lvm_vt vg_name=vt vg_uuid=4nkAH9-OpD1-opzy-flVI-skvx-cc0d-11k8bQ \
            vg_args=1.0.0:test lm_type=dlm host_id=0 generation=3 create_fail=0 \
            create_done=1 thread_work=0 thread_stop=0 thread_done=0 kill_vg=0 \
            fence_pr=0 no_timeout=0 sanlock_gl_enabled=0
            info=r name=wQK7lJ type=lv mode=ex sh_count=0 version=0
            info=lk mode=ex version=0 flags=0x1 client_id=0
            info=r name=VGLK type=vg mode=sh sh_count=1 version=4
            info=lk mode=sh version=4 flags=0x0 client_id=9
            info=r_action client_id=10 flags=0x0 version=0 op=lock rt=vg mode=ex lm_type=dlm \
            result=0 lm_rv=0 owner_host_id=2 owner_generation=6

            """
        #expect(Self.text(Self.busy, .lvm2_03_40) == expected)
    }

    @Test func `the lines of 2_03_16 have a system id before the lock arguments`() {
        let text = Self.text(Self.busy, .lvm2_03_16)
        #expect(
            text.contains(
                " vg_uuid=4nkAH9-OpD1-opzy-flVI-skvx-cc0d-11k8bQ vg_sysid=. vg_args=1.0.0:test"
                    + " lm_type=dlm host_id=0 create_fail=0 create_done=1 thread_work=0"
                    + " thread_stop=0 thread_done=0 kill_vg=0 drop_vg=0 sanlock_gl_enabled=0\n"))
        #expect(text.contains("mode=ex lm_type=dlm result=0 lm_rv=0\n"))
    }

    @Test func `a lockspace that was left keeps its place under another name`() {
        var info = Self.busy
        info.lockspaces[1].isStopped = true
        let text = Self.text(info, .lvm2_03_40)
        #expect(text.contains("info=ls ls_name=REM:lvm_vt vg_name=vt "))
        #expect(text.contains(" thread_done=1 "))
    }

    @Test func `options have upstream's numbers`() {
        var info = Self.busy
        info.lockspaces[0].actions = [
            InfoText.Action(
                clientID: 1, operation: .lock, target: .logicalVolume("u"), mode: .shared,
                options: [.persistent, .adopt, .repair], version: 2)
        ]
        #expect(
            Self.text(info, .lvm2_03_16).contains(
                "info=ls_action client_id=1 flags=0x810001 version=2 op=lock rt=lv mode=sh"
                    + " lm_type=none result=0 lm_rv=0\n"))
    }

    @Test func `no line is longer than lvmlockctl's buffer`() {
        var info = Self.busy
        let long = String(repeating: "x", count: 300)
        info.clients[0].name = long + long
        info.lockspaces[1].volumeGroup = long
        info.lockspaces[1].arguments = long
        for line in info.rendered(as: .lvm2_03_40).bytes.split(separator: UInt8(ascii: "\n")) {
            #expect(line.count + 1 <= 511)
            #expect(line.starts(with: Array("info=".utf8)))
        }
    }

    @Test func `white space inside a value does not end it`() {
        var info = Self.busy
        info.clients[0].name = "my tool\n"
        #expect(Self.text(info, .lvm2_03_40).contains("id=9 name=my_tool_\n"))
    }

    @Test func `of many clients those with locks are listed, and no more than fit`() {
        var info = Self.busy
        info.clients = (100..<300).map { InfoText.Client(id: $0, processID: 1) } + info.clients
        let lines = Self.text(info, .lvm2_03_40).split(separator: "\n")
        #expect(lines.count { $0.hasPrefix("info=client ") } == 100)
        #expect(lines.contains { $0.hasPrefix("info=client ") && $0.contains(" id=9 ") })
        #expect(lines.contains { $0.hasPrefix("info=client ") && $0.contains(" id=10 ") })
    }

    @Test func `past the limit the text ends with a whole line`() {
        let whole = Self.busy.rendered(as: .lvm2_03_40)
        #expect(whole.isComplete)
        for limit in 0..<whole.bytes.count {
            let cut = Self.busy.rendered(as: .lvm2_03_40, limit: limit)
            #expect(!cut.isComplete)
            #expect(cut.bytes.count <= limit)
            #expect(whole.bytes.starts(with: cut.bytes))
            #expect(cut.bytes.isEmpty || cut.bytes.last == UInt8(ascii: "\n"))
        }
    }
}
