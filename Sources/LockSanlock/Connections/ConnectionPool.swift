#if Sanlock
/// Decides which of a lockspace's connections a resource is acquired on.
///
/// sanlock serves as many calls at the same time as it has workers, but one at a time for each
/// connection. So a resource goes where no call is under way, on a further connection if all
/// have one, and stays there until it is released: a lease belongs to its connection.
struct ConnectionPool {
    /// sanlock's own `max_worker_threads`, by default; more connections would gain nothing.
    static let most = 8

    private struct Load {
        var calls = 0
        var resources = 0
    }

    private var loads: [Load] = []

    /// Chooses a connection for one more resource. The one behind the last is a new one.
    mutating func assign() -> Int {
        let best = self.loads.indices.min { left, right in
            (self.loads[left].calls, self.loads[left].resources)
                < (self.loads[right].calls, self.loads[right].resources)
        }
        if let best, self.loads[best].calls == 0 || self.loads.count == Self.most {
            self.loads[best].resources += 1
            return best
        }
        self.loads.append(Load(resources: 1))
        return self.loads.count - 1
    }

    /// A resource that was assigned to the connection needs it no more.
    mutating func unassign(_ connection: Int) {
        self.loads[connection].resources -= 1
    }

    /// A call goes out on the connection.
    mutating func began(_ connection: Int) {
        self.loads[connection].calls += 1
    }

    /// A call on the connection was answered.
    mutating func ended(_ connection: Int) {
        self.loads[connection].calls -= 1
    }
}
#endif
