import LockCore

// Histories in words, one line for each event.
extension History: CustomStringConvertible {
    /// The whole history.
    public var description: String {
        self.events.indices.map { self.line($0) }.joined(separator: "\n")
    }

    /// One event: its number, its time, the host, and what happened.
    func line(_ index: Int) -> String {
        let event = self.events[index]
        let time = Self.milliseconds(event.time)
        return "\(Self.padded("\(index)", 6))  \(Self.padded(time, 10)) ms  host \(event.host)  "
            + "\(event.what)"
    }

    /// The lines from the first to the last of these events that concern the same resource, or the
    /// life of the same hosts. The events themselves are marked; of the rest, a long middle is left
    /// out.
    func excerpt(about marked: [Int]) -> String {
        guard let first = marked.min(), let last = marked.max() else { return "" }
        let resources = self.resourcesOfCalls
        let meant = Set(
            marked.compactMap { self.events[$0].what.call.flatMap { resources[$0] } })
        let hosts = Set(marked.map { self.events[$0].host })
        let lines = (first...last).filter { index in
            let event = self.events[index]
            switch event.what {
            case .asked(let id, _), .queued(let id), .cancelled(let id), .answered(let id, _):
                return resources[id].map { meant.contains($0) } ?? marked.contains(index)
            case .losingValueBlock(let resource), .lostValueBlock(let resource):
                return meant.contains(resource)
            case .losing, .lost, .restarted: return hosts.contains(event.host)
            }
        }
        return Self.shortened(lines, keeping: marked).map { index in
            index.map { (marked.contains($0) ? "> " : "  ") + self.line($0) } ?? "  …"
        }.joined(separator: "\n")
    }

    private var resourcesOfCalls: [CallID: Resource.ID] {
        var resources: [CallID: Resource.ID] = [:]
        for case .asked(let id, let request) in self.events.lazy.map(\.what) {
            resources[id] = request.resource
        }
        return resources
    }

    private static func shortened(_ lines: [Int], keeping marked: [Int]) -> [Int?] {
        let near = 4
        var shown: [Int?] = []
        let places = lines.indices.filter { marked.contains(lines[$0]) }
        for place in lines.indices {
            if places.contains(where: { abs($0 - place) <= near }) {
                shown.append(lines[place])
            } else if shown.last != .some(nil) {
                shown.append(nil)
            }
        }
        return shown
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    private static func milliseconds(_ time: Duration) -> String {
        let (seconds, attoseconds) = time.components
        let micros = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        let fraction = "\(1_000 + micros % 1_000)".dropFirst()
        return "\(micros / 1_000).\(fraction)"
    }
}

extension History.What: CustomStringConvertible {
    /// What happened, such as `#17 acquire VGLK in lvm_vg0 exclusive`.
    public var description: String {
        switch self {
        case .asked(let id, let request): "#\(id.rawValue) \(request)"
        case .queued(let id): "#\(id.rawValue) waits in the queue"
        case .cancelled(let id): "#\(id.rawValue) is called back"
        case .answered(let id, let answer): "#\(id.rawValue) answered: \(answer)"
        case .losing(let lockspace, let certainFor, let reason):
            "is losing \(Self.name(lockspace)): \(reason); its holds are certain "
                + (certainFor.map { "for \($0)" } ?? "until it joins anew")
        case .lost(let lockspace): "has lost \(Self.name(lockspace))"
        case .restarted(let keepsHolds):
            "is restarted, " + (keepsHolds ? "what it held stays" : "what it held is over")
        case .losingValueBlock(let resource):
            "the value block of \(resource.name) is about to be lost"
        case .lostValueBlock(let resource): "the value block of \(resource.name) is lost"
        }
    }

    /// The call that the event is part of.
    var call: History.CallID? {
        switch self {
        case .asked(let id, _), .queued(let id), .cancelled(let id), .answered(let id, _): id
        case .losing, .lost, .restarted, .losingValueBlock, .lostValueBlock: nil
        }
    }

    private static func name(_ lockspace: Lockspace.ID?) -> String {
        lockspace.map { "\($0)" } ?? "every lockspace"
    }
}

extension History.Request: CustomStringConvertible {
    /// The call, such as `acquire VGLK in lvm_vg0 exclusive`.
    public var description: String {
        switch self {
        case .join(let lockspace, let adopting):
            "join \(lockspace)" + (adopting == .none ? "" : ", adopting \(adopting)")
        case .leave(let lockspace): "leave \(lockspace)"
        case .acquire(let resource, let mode, let options):
            "acquire \(resource.name) in \(resource.lockspace) \(mode)"
                + (options.waiting ? ", waiting" : "")
                + (options.adopting == .none ? "" : ", adopting \(options.adopting)")
        case .convert(let resource, let mode, let value):
            "convert \(resource.name) in \(resource.lockspace) to \(mode)\(Self.writing(value))"
        case .release(let resource, let value):
            "release \(resource.name) in \(resource.lockspace)\(Self.writing(value))"
        case .forget(let resource): "forget \(resource.name) in \(resource.lockspace)"
        case .purge(let lockspace): "purge orphans in \(lockspace)"
        }
    }

    private static func writing(_ value: ValueBlock?) -> String {
        value.map { ", writing version \($0.resourceVersion)" } ?? ""
    }
}

extension History.Answer: CustomStringConvertible {
    /// The answer, such as `granted, version 3, token 9`.
    public var description: String {
        switch self {
        case .joined(let membership): return "joined, generation \(membership.generation)"
        case .done: return "done"
        case .failed(let error): return "failed, \(error)"
        case .outcome(.granted(let grant)):
            var words = "granted"
            switch grant.value {
            case .value(let block): words += ", version \(block.resourceVersion)"
            case .changed: words += ", changed"
            case .unchanged: words += ", unchanged"
            case .unknown: break
            }
            if let token = grant.token { words += ", token \(token.rawValue)" }
            return words
        case .outcome(.contended(let contention)):
            return "contended" + (contention.owner.map { " by host \($0.id)" } ?? "")
        case .outcome(.noOrphan): return "no orphan"
        case .outcome(.orphanInOtherMode): return "orphan in the other mode"
        }
    }
}
