import LockTesting
import Testing

extension OnNodes {
    /// The lock manager on the kernel's DLM, on nodes with corosync and dlm_controld.
    @Suite struct DLMTests {
        /// Most rules need two hosts; on three nodes a third may be in charge of what they use.
        @Test(arguments: isFull ? [2, 3] : [3])
        func `the rules are kept`(nodes: Int) async throws {
            let machines = AgentMachines(cluster: try await .up(nodes: nodes, services: [.dlm]))
            let hosts = AgentFixture(count: nodes, world: DLMWorld(machines: machines)) {
                .socket(path: machines.socket(of: $0))
            }
            var reports: [RuleReport] = []
            for rule in LockManagerRule.all where Self.isChecked(rule) {
                let began = ContinuousClock.now
                reports.append(await rule.check(on: hosts))
                print("\(rule.id): \(ContinuousClock.now - began)")
            }
            await hosts.stop()
            print(reports.summary)
            for report in reports where report.outcome == .broken { Issue.record("\(report)") }
            #expect(reports.count { $0.outcome == .kept } > 40, "\(reports.summary)")
        }

        /// A node takes a while to boot; in the short form one does.
        private static func isChecked(_ rule: LockManagerRule) -> Bool {
            isFull || !rule.needs.contains(.hosts(.crash)) || rule.id == "loss/boot"
        }

        /// The transcript says what Debian's lvmlockd answers.
        @Test(arguments: [[LockDaemon.underTest], [.lvmlockd, .holdfastd, .holdfastd]])
        func `three hosts behave as with lvmlockd, also beside it`(
            daemons: [LockDaemon]
        ) async throws {
            let cluster = try await Cluster.up(nodes: 3, services: [.dlm], daemons: daemons)
            let differences = try await TranscriptRun.differences(of: "dlm-volumes", on: cluster)
            #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
            // Debian's lvmlockd leaves the other hosts with the old size.
            if daemons.contains(.holdfastd) { try await Self.growSharedVolume(on: cluster) }
        }

        @Test(.enabled(if: isFull, "minutes of waiting"))
        func `without quorum nothing is granted, and with it everything goes on`() async throws {
            let cluster = try await Cluster.up(nodes: 3, services: [.dlm], daemons: [.underTest])
            let differences = try await TranscriptRun.differences(of: "dlm-quorum", on: cluster)
            #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
        }

        @Test func `what goes wrong is told, and lets nobody in who must not be`() async throws {
            let cluster = try await Cluster.up(nodes: 3, services: [.dlm], daemons: [.holdfastd])
            let differences = try await TranscriptRun.differences(of: "dlm-failures", on: cluster)
            #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
        }

        /// A shared volume that grows has its new size on every host when the command ends.
        private static func growSharedVolume(on cluster: Cluster) async throws {
            let host = try cluster.node(2)
            try await host.succeed("vgcreate --shared vg /dev/vdb && lvcreate -an -L 16M -n lv vg")
            for node in cluster.nodes {
                try await node.succeed("vgchange --lockstart vg && lvchange -asy vg/lv")
            }
            try await host.succeed("lvextend --lockopt shupdate -L 48M vg/lv")
            for node in cluster.nodes {
                let size = try await node.succeed("blockdev --getsize64 /dev/vg/lv")
                #expect(size == "50331648\n", "node \(node.number)")
            }
        }
    }
}
