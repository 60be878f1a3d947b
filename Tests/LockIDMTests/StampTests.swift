import LockCore
import LockIDM
import Testing

/// Change stamps, by values alone.
@Suite struct StampTests {
    private func known(_ number: UInt64) -> StampReading {
        StampReading(known: ChangeStamp(rawValue: number), highest: ChangeStamp(rawValue: number))
    }

    @Test func `a stamp grows, whatever the clock says`() {
        let first = ChangeStamp.following(nil, nowMicroseconds: 1000)
        #expect(first.rawValue == 1000)
        #expect(ChangeStamp.following(first, nowMicroseconds: 2000).rawValue == 2000)
        // A clock that goes back, or that of a host that is behind.
        #expect(ChangeStamp.following(first, nowMicroseconds: 10).rawValue == 1001)
        #expect(ChangeStamp.following(.untrusted, nowMicroseconds: 5).rawValue == 5)
        #expect(!ChangeStamp.following(nil, nowMicroseconds: 0).isUnknown)
        #expect(!ChangeStamp.following(nil, nowMicroseconds: 1 << 56 - 1).isUnknown)
    }

    @Test func `zero and ones mean nothing`() {
        #expect(ChangeStamp(valueBlock: [UInt8](repeating: 0, count: 8)).isUnknown)
        #expect(ChangeStamp(valueBlock: [UInt8](repeating: 0xff, count: 8)).isUnknown)
        #expect(StampReading(known: .untrusted).known == nil)
        #expect(StampReading(known: ChangeStamp.none).known == nil)
    }

    @Test func `what a host left is unchanged until another stamp is there`() {
        var tracker = StampTracker()
        #expect(tracker.granted(StampReading(known: nil, isBlank: true)) == .unknown)
        let stamp = tracker.published(nowMicroseconds: 1000)
        let reading = StampReading(known: stamp, highest: stamp)
        #expect(tracker.granted(reading) == .unchanged)
        #expect(tracker.granted(reading) == .unchanged)
        #expect(tracker.granted(self.known(1001)) == .changed)
        #expect(tracker.granted(self.known(1001)) == .unchanged)
        // Equal or not, never older or newer.
        #expect(tracker.granted(self.known(900)) == .changed)
    }

    @Test func `a stranger, and whoever cannot be certain, knows nothing`() {
        var tracker = StampTracker()
        #expect(tracker.granted(self.known(5)) == .unknown)
        #expect(tracker.granted(.unclear) == .unknown)
        // What was remembered is not, after an uncertain hold.
        #expect(tracker.granted(self.known(5)) == .unknown)
    }

    @Test func `an uncertain stamp is replaced by an exclusive holder, and never written back`() {
        var tracker = StampTracker()
        _ = tracker.granted(StampReading(known: nil, highest: ChangeStamp(rawValue: 50)))
        #expect(!tracker.isCertain)
        guard case .stamp(let left) = tracker.left(by: .exclusive, nowMicroseconds: 7) else {
            Issue.record("a stamp is left")
            return
        }
        #expect(left.rawValue == 51)
        #expect(tracker.granted(StampReading(known: left, highest: left)) == .unchanged)
    }

    @Test func `an uncertain sharer leaves the stamp alone, and exceeds all it has seen`() {
        var tracker = StampTracker()
        _ = tracker.granted(StampReading(known: nil, highest: ChangeStamp(rawValue: 50)))
        #expect(
            tracker.left(by: .shared, nowMicroseconds: 7)
                == .asItIs(orElse: ChangeStamp(rawValue: 51)))
    }

    @Test func `a certain sharer leaves what it found, and who found nothing leaves nothing`() {
        var tracker = StampTracker()
        _ = tracker.granted(self.known(5))
        #expect(
            tracker.left(by: .shared, nowMicroseconds: 7) == .stamp(ChangeStamp(rawValue: 5)))
        _ = tracker.granted(StampReading(known: nil, isBlank: true))
        #expect(tracker.left(by: .exclusive, nowMicroseconds: 7) == .blank)
    }

    @Test func `what was uncertain when it was shared is not certain when it is exclusive`() {
        var tracker = StampTracker()
        _ = tracker.granted(self.known(5))
        #expect(tracker.raised(self.known(5)) == .unchanged)
        _ = tracker.granted(StampReading(known: nil, highest: ChangeStamp(rawValue: 5)))
        #expect(tracker.raised(self.known(5)) == .unknown)
        #expect(!tracker.isCertain)
    }

    @Test func `a lock's name is the UUIDs without their dashes, or another name as it is`() throws
    {
        let uuid = "Xu3Kcd-3xRj-9bYt-qcRx-1lNw-MJH6-yZpcAb"
        let plain = "Xu3Kcd3xRj9bYtqcRx1lNwMJH6yZpcAb"
        let lock = try #require(LockID(volumeGroup: uuid))
        #expect(lock == LockID(volumeGroup: plain))
        #expect(lock.bytes == Array(plain.utf8) + [UInt8](repeating: 0, count: 32))
        let volume = try #require(LockID(volumeGroup: uuid, part: uuid))
        #expect(volume.bytes == Array((plain + plain).utf8))
        #expect(LockID(volumeGroup: "lv-1") != LockID(volumeGroup: "lv1"))
        #expect(LockID.global.bytes == [UInt8](repeating: 0, count: 64))
        #expect(LockID(volumeGroup: "") == nil)
        #expect(LockID(volumeGroup: String(repeating: "x", count: 33)) == nil)
        #expect(LockID(volumeGroup: uuid.replacing("-", with: "+")) == nil)
        #expect(lock.members.isBeside(volume) && lock.members != lock)
    }

    @Test func `a host's id carries its number, and a boot that is another host`() {
        let host = HostID(number: 7, boot: [1, 2, 3])
        #expect(host.number == 7 && host.bytes.count == 32)
        #expect(host == HostID(number: 7, boot: [1, 2, 3]))
        #expect(host != HostID(number: 7, boot: [1, 2, 4]))
        #expect(HostID.random().number == nil)
    }
}
