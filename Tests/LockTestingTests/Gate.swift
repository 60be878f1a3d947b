/// Lets a few in at a time, so that checks with time limits do not wait for the processor together.
actor Gate {
    /// For all checks of the process.
    static let checks = Gate(places: 48)

    private var places: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(places: Int) {
        self.places = places
    }

    nonisolated func pass<Answer>(_ body: () async -> Answer) async -> Answer {
        await self.enter()
        let answer = await body()
        await self.leave()
        return answer
    }

    private func enter() async {
        if self.places > 0 {
            self.places -= 1
        } else {
            await withCheckedContinuation { self.waiting.append($0) }
        }
    }

    private func leave() {
        if self.waiting.isEmpty {
            self.places += 1
        } else {
            self.waiting.removeFirst().resume()
        }
    }
}
