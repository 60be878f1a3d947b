import LockCore

/// How answers read in a report.
enum RuleWords {
    static func describe<Answer>(_ result: Result<Answer, LockManagerError>) -> String {
        switch result {
        case .success(let answer): self.describe(answer)
        case .failure(let error): "failed: \(error)"
        }
    }

    static func describe<Answer>(_ answer: Answer) -> String {
        switch answer {
        case is Void: "done"
        case let outcome as AcquireOutcome: self.describe(outcome)
        case let membership as Membership:
            "membership \(membership.id.rawValue), host number \(membership.hostID), "
                + "generation \(membership.generation)"
        case let hosts as [Host]: "[\(hosts.map(self.describe).joined(separator: ", "))]"
        case let host as Host: self.describe(host)
        case let spaces as [Lockspace.ID]: "[\(spaces.map(\.name).joined(separator: ", "))]"
        default: "\(answer)"
        }
    }

    static func describe(_ outcome: AcquireOutcome) -> String {
        switch outcome {
        case .granted(let grant):
            let token = grant.token.map { ", token \($0.rawValue)" } ?? ""
            return "granted (grant \(grant.id.rawValue), \(self.describe(grant.value))\(token))"
        case .contended(let contention):
            let owner = contention.owner.map { ", owner \(self.describe($0))" } ?? ""
            return "contended\(owner)\(contention.isPassing ? ", passing" : "")"
        case .noOrphan: return "no orphan"
        case .orphanInOtherMode: return "orphan in the other mode"
        }
    }

    static func describe(_ value: ValueBlockReading) -> String {
        switch value {
        case .value(let block): "value \(self.describe(block))"
        case .changed: "value changed"
        case .unchanged: "value unchanged"
        case .unknown: "value unknown"
        }
    }

    static func describe(_ block: ValueBlock) -> String {
        "\(block.format)/\(block.flags.rawValue)/\(block.resourceVersion)"
    }

    static func describe(writing value: ValueBlock?) -> String {
        value.map { ", writing \(self.describe($0))" } ?? ""
    }

    static func describe(_ adopting: Adoption) -> String {
        switch adopting {
        case .none: ""
        case .allowed: ", adopting if possible"
        case .required: ", adopting"
        }
    }

    static func describe(_ host: Host) -> String {
        "host number \(host.id), generation \(host.generation), \(host.state.rawValue)"
    }

    static func describe(_ event: LockManagerEvent) -> String {
        switch event.what {
        case .lost(let reason, let certainFor):
            "lost \(event.lockspace) (\(reason)), certain for \(certainFor)"
        case .wanted(let name, let grant): "grant \(grant.rawValue) of \(name) is wanted"
        }
    }
}
