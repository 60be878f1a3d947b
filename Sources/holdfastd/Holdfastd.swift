import ArgumentParser
import Glibc
import LockServer

/// The command: reads its options, goes into the background unless told not to, and serves.
@main
enum Holdfastd {
    static func main() async {
        guard let options = Self.parse(CommandLine.arguments.dropFirst()) else { return }
        let readyPipe = BackgroundProcess.takeReadyPipe()
        do {
            let paths = Paths(options)
            let socket = try ServiceManager.takeListeningSocket()
            let isInBackground = readyPipe != nil
            let staysHere = options.foreground || options.daemonDebug || socket != nil
            if options.embedded, !isInBackground {
                DaemonLog.print("holdfastd: \(LockManagerRegistry.embeddedNotice)")
            }
            guard staysHere || isInBackground else {
                try BackgroundProcess.start(arguments: CommandLine.arguments)
                return
            }
            if isInBackground { Self.leaveSurroundings() }
            let daemon = Daemon(options: options, paths: paths, inheritedSocket: socket)
            try await daemon.run {
                if let readyPipe { BackgroundProcess.reportReady(to: readyPipe) }
            }
        } catch {
            if let readyPipe {
                BackgroundProcess.reportFailure("\(error)", to: readyPipe)
            } else {
                DaemonLog.print("holdfastd: \(error)")
            }
            exit(EXIT_FAILURE)
        }
    }

    /// The options; nil if the command has said what it was asked and is done.
    private static func parse(_ arguments: ArraySlice<String>) -> Options? {
        let options: Options
        do {
            options = try Options.parse(Array(arguments))
        } catch {
            let isHelp = Options.exitCode(for: error).isSuccess
            let text = Options.fullMessage(for: error)
            guard isHelp else {
                // lvmlockd's status for a bad command line, not the library's.
                DaemonLog.print(text)
                exit(EXIT_FAILURE)
            }
            print(text)
            return nil
        }
        guard options.version else { return options }
        print("holdfastd version: \(Daemon.version) (lvmlockd protocol 1)")
        return nil
    }

    /// A background process belongs to no terminal and keeps no file system busy; what it makes,
    /// others may read at most.
    private static func leaveSurroundings() {
        setsid()
        _ = chdir("/")
        umask(0o022)
    }
}
