internal import Glibc

/// What the C library says about an `errno`.
func systemText(_ status: Int32) -> String {
    strerror(status).map { String(cString: $0) } ?? "error \(status)"
}

/// Microseconds since 1970.
func hostMicroseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
}

/// Milliseconds since 1970.
package func hostMilliseconds() -> UInt64 { hostMicroseconds() / 1000 }
