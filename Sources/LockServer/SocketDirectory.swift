import Glibc

/// The directory in which the socket stands. Whoever may write to it can put another socket in
/// the place of ours, so it must belong to root or this user, and be
/// writable by its owner only, or sticky.
enum SocketDirectory {
    static func check(of path: String, doing: String) throws(ServerError) {
        let directory = Self.directory(of: path)
        var status = stat()
        if stat(directory, &status) != 0 {
            guard errno == ENOENT else { throw ListeningSocket.systemError("stat", doing) }
            guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
                throw ServerError(
                    .badDirectory, doing: doing,
                    problem: "\(directory) is missing and cannot be made: \(errorText(errno))",
                    advice: "make the directory, or choose another path with --socket-path")
            }
            guard stat(directory, &status) == 0 else {
                throw ListeningSocket.systemError("stat", doing)
            }
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw ServerError(
                .badDirectory, doing: doing, problem: "\(directory) is not a directory",
                advice: "choose another path with --socket-path")
        }
        guard status.st_uid == 0 || status.st_uid == geteuid() else {
            throw ServerError(
                .badDirectory, doing: doing,
                problem: "\(directory) belongs to user \(status.st_uid)",
                advice: "use a directory that belongs to root or to the daemon's own user")
        }
        // In a sticky directory others can add sockets, but not replace ours.
        guard status.st_mode & 0o022 == 0 || status.st_mode & S_ISVTX != 0 else {
            throw ServerError(
                .badDirectory, doing: doing,
                problem: "users other than its owner may write to \(directory), and could put "
                    + "their own socket in its place",
                advice: "use a directory of the daemon's own, with mode 0700")
        }
    }

    private static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
