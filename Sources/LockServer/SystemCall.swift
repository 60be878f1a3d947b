import Glibc

/// What the system says about an error number.
func errorText(_ status: Int32) -> String {
    guard let text = strerror(status) else { return "error \(status)" }
    return String(cString: text)
}
