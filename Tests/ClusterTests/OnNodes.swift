import Testing

/// Everything that needs virtual machines, one after the other.
@Suite(
    .serialized, .timeLimit(.minutes(60)),
    .enabled(if: binaries != nil, "Tests/run cluster sets up what this needs"))
enum OnNodes {}
