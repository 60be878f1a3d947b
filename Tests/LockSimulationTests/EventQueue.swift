/// What is to happen, the earliest first; of the same time, what was put in first.
struct EventQueue<Event> {
    private var heap: [(time: Duration, order: Int, event: Event)] = []
    private var lastOrder = 0

    var nextTime: Duration? { self.heap.first?.time }

    mutating func put(_ event: Event, at time: Duration) {
        self.lastOrder += 1
        self.heap.append((time, self.lastOrder, event))
        var child = self.heap.count - 1
        while child > 0, self.isBefore(child, (child - 1) / 2) {
            self.heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func takeNext() -> (time: Duration, event: Event)? {
        guard !self.heap.isEmpty else { return nil }
        self.heap.swapAt(0, self.heap.count - 1)
        let taken = self.heap.removeLast()
        var parent = 0
        while true {
            var first = parent
            if 2 * parent + 1 < self.heap.count, self.isBefore(2 * parent + 1, first) {
                first = 2 * parent + 1
            }
            if 2 * parent + 2 < self.heap.count, self.isBefore(2 * parent + 2, first) {
                first = 2 * parent + 2
            }
            if first == parent { break }
            self.heap.swapAt(parent, first)
            parent = first
        }
        return (taken.time, taken.event)
    }

    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        (self.heap[left].time, self.heap[left].order)
            < (self.heap[right].time, self.heap[right].order)
    }
}
