#if Sanlock
import Testing

@testable import LockSanlock

@Suite struct ConnectionPoolTests {
    @Test func `a further connection is opened when all others have a call under way`() {
        var pool = ConnectionPool()
        #expect(pool.assign() == 0)
        #expect(pool.assign() == 0)
        pool.began(0)
        #expect(pool.assign() == 1)
        pool.ended(0)
        #expect(pool.assign() == 1)
    }

    @Test func `there are never more connections than sanlock has workers`() {
        var pool = ConnectionPool()
        var assigned = [Int](repeating: 0, count: ConnectionPool.most)
        for _ in 0..<64 {
            let connection = pool.assign()
            pool.began(connection)
            assigned[connection] += 1
        }
        #expect(assigned.allSatisfy { $0 == 8 })
    }

    @Test func `resources go where the fewest are`() {
        var pool = ConnectionPool()
        for connection in 0..<2 {
            #expect(pool.assign() == connection)
            pool.began(connection)
        }
        pool.ended(0)
        pool.ended(1)
        pool.unassign(0)
        #expect(pool.assign() == 0)
        pool.unassign(0)
        pool.unassign(1)
        pool.began(0)
        #expect(pool.assign() == 1)
    }
}
#endif
