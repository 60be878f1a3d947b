import Glibc

guard CommandLine.arguments.count > 2 else { exit(2) }
