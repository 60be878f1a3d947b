/// Wishes to be woken, at most one for each key, the earliest first.
///
/// A wish that was replaced stays in the heap and is passed over when its time comes, so setting
/// one never searches.
package struct TimerHeap<Key: Hashable> {
    private var heap: [(time: Duration, key: Key)] = []
    private var wishes: [Key: Duration] = [:]

    /// No wishes.
    package init() {}

    /// The time of the earliest wish, which may have been replaced.
    package var earliest: Duration? { self.heap.first?.time }

    /// Wishes to be woken at that time, and not at an earlier wish's.
    package mutating func set(_ key: Key, at time: Duration) {
        guard self.wishes[key] != time else { return }
        self.wishes[key] = time
        self.heap.append((time, key))
        self.siftUp(self.heap.count - 1)
    }

    /// Forgets a wish.
    package mutating func remove(_ key: Key) {
        self.wishes[key] = nil
    }

    /// Takes out the keys whose time has come.
    package mutating func takeDue(_ now: Duration) -> [Key] {
        var due: [Key] = []
        while let (time, key) = self.heap.first, time <= now {
            self.removeFirst()
            guard self.wishes[key] == time else { continue }
            self.wishes[key] = nil
            due.append(key)
        }
        return due
    }

    private mutating func removeFirst() {
        self.heap.swapAt(0, self.heap.count - 1)
        self.heap.removeLast()
        self.siftDown(0)
    }

    private mutating func siftUp(_ start: Int) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            guard self.heap[child].time < self.heap[parent].time else { return }
            self.heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var parent = start
        while true {
            let children = (2 * parent + 1)...(2 * parent + 2)
            let smallest = children.filter { $0 < self.heap.count }
                .min { self.heap[$0].time < self.heap[$1].time }
            guard let smallest, self.heap[smallest].time < self.heap[parent].time else { return }
            self.heap.swapAt(parent, smallest)
            parent = smallest
        }
    }
}
