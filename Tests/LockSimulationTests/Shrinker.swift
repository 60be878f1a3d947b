import LockCore

/// Makes a script that breaks a rule as short as it gets, while it breaks one.
struct Shrinker {
    let bug: Simulation.Bug?
    private(set) var runs = 0

    init(bug: Simulation.Bug? = nil) {
        self.bug = bug
    }

    /// How the script fails, if it does.
    mutating func violation(of script: Script) -> Violation? {
        self.runs += 1
        do {
            try Simulation(script, bug: self.bug).run()
            return nil
        } catch let violation as Violation {
            return violation
        } catch {
            return Violation("\(error)")
        }
    }

    /// Leaves out what can be left out: many steps at once first, then fewer; then pauses and
    /// faults.
    mutating func shrink(_ script: Script) -> Script {
        var script = script
        var size = max(1, script.steps.count / 2)
        while true {
            let before = script.steps.count
            var start = 0
            while start < script.steps.count {
                let range = start..<min(start + size, script.steps.count)
                if let shorter = self.without(range, script) {
                    script = shorter
                } else {
                    start += size
                }
            }
            if size == 1, script.steps.count == before { break }
            size = max(1, size / 2)
        }
        var calmer = script
        calmer.faultsPerMille = 0
        if self.violation(of: calmer) != nil { script = calmer }
        for index in script.steps.indices {
            var quicker = script
            quicker.steps[index].pause = .zero
            if self.violation(of: quicker) != nil { script = quicker }
        }
        return script
    }

    /// The script without these steps, if it still breaks a rule; perhaps what follows needs to
    /// come no earlier than before.
    private mutating func without(_ range: Range<Int>, _ script: Script) -> Script? {
        var shorter = script
        shorter.steps.removeSubrange(range)
        if self.violation(of: shorter) != nil { return shorter }
        guard range.lowerBound < shorter.steps.count else { return nil }
        let pause = script.steps[range].map(\.pause).reduce(.zero, +)
        guard pause > .zero else { return nil }
        shorter.steps[range.lowerBound].pause += pause
        return self.violation(of: shorter) == nil ? nil : shorter
    }

    /// The steps, and what they break.
    mutating func transcript(of script: Script) -> [String] {
        script.steps.map(\.description)
            + (self.violation(of: script).map { ["broken: \($0)"] } ?? ["nothing is broken"])
    }

    /// Everything that happened in the script's run.
    func log(of script: Script) -> [String] {
        let simulation = Simulation(script, bug: self.bug, keepsLog: true)
        do { try simulation.run() } catch { return simulation.log + ["broken: \(error)"] }
        return simulation.log
    }
}
