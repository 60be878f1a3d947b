/// Lets so many go on at the same time; the others wait.
actor Lanes {
    /// For all checks of the process.
    static let all = Lanes(12)

    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(_ count: Int) {
        self.free = count
    }

    nonisolated func pass<Answer>(_ body: () async throws -> Answer) async rethrows -> Answer {
        await self.enter()
        do {
            let answer = try await body()
            await self.leave()
            return answer
        } catch {
            await self.leave()
            throw error
        }
    }

    private func enter() async {
        if self.free > 0 {
            self.free -= 1
        } else {
            await withCheckedContinuation { self.waiting.append($0) }
        }
    }

    private func leave() {
        if self.waiting.isEmpty {
            self.free += 1
        } else {
            self.waiting.removeFirst().resume()
        }
    }
}
