internal import Glibc

/// What the C library says about an `errno`.
func systemText(_ status: Int32) -> String {
    strerror(status).map { String(cString: $0) } ?? "error \(status)"
}
