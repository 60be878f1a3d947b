import LVMWire
import LockCore
import Testing

@Suite struct RequestErrorTests {
    private static func error(_ text: String) -> WireError? {
        do {
            _ = try Request.parse(frame(text))
            return nil
        } catch {
            return error
        }
    }

    private static let start = "request=\"lock_lv\"\nvg_name=\"v\"\nmode=\"ex\"\n"

    @Test(arguments: [
        ("", WireError(.unknownRequest)),
        ("pid = 3", WireError(.unknownRequest)),
        ("request = 3", WireError(.unknownRequest)),
        ("request = \"lock_xx\"", WireError(.unknownRequest, field: "lock_xx")),
        ("request", WireError(.unparsable, line: 1)),
        ("request =", WireError(.unparsable, line: 1)),
        ("\n\n= \"x\"", WireError(.unparsable, line: 3)),
        ("request \"hello\"", WireError(.unparsable, line: 1)),
        ("request = \"hello", WireError(.unparsable, line: 1)),
        ("request = hello", WireError(.unparsable, line: 1)),
        ("request = \"hello\"\nx = 1y", WireError(.unparsable, line: 2, operation: .hello)),
        ("request = \"stop_all\"\nx = -", WireError(.unparsable, line: 2, operation: .stopAll)),
        ("request = \"stop_all\"\n\u{1}", WireError(.unparsable, line: 2, operation: .stopAll)),
    ])
    func `text that is no request is told from what it should be`(
        _ text: String, _ expected: WireError
    ) {
        #expect(Self.error(text) == expected)
    }

    @Test(arguments: [
        ("", WireError.Code.missingField, "lv_uuid"),
        ("lv_uuid=\"none\"", .missingField, "lv_uuid"),
        ("lv_uuid=7", .badText, "lv_uuid"),
        ("lv_uuid=\"a b\"", .badText, "lv_uuid"),
        ("lv_uuid=\"a\nb\"", .badText, "lv_uuid"),
        ("lv_uuid=\"\u{e9}\"", .badText, "lv_uuid"),
        ("lv_uuid=\"u\"\nmax_retries=\"3\"", .badNumber, "max_retries"),
        ("lv_uuid=\"u\"\nmax_retries=99999999999999999999", .badNumber, "max_retries"),
        ("lv_uuid=\"u\"\npath_num=-1", .badNumber, "path_num"),
        ("lv_uuid=\"u\"\npath_num=513", .tooManyDrives, "path_num"),
        ("lv_uuid=\"u\"\npath_num=2\npath[0]=\"a\"\npath[2]=\"c\"", .missingField, "path[1]"),
    ])
    func `a bad field is named, with the request's number`(
        _ fields: String, _ code: WireError.Code, _ field: String
    ) {
        let error = Self.error(Self.start + fields)
        #expect(error?.code == code)
        #expect(error?.field == field)
        #expect(error?.operation == .lock)
    }

    @Test(arguments: ["vg_name", "lv_uuid", "vg_uuid", "vg_lock_type", "vg_lock_args"])
    func `a long name is refused, not cut`(_ field: String) throws {
        let others = "lv_uuid=\"u\"\nvg_name=\"v\"\nvg_lock_type=\"dlm\"\nmode=\"un\"\n"
        for request in field == "lv_uuid" ? ["lock_lv"] : ["start_vg"] {
            let start = "request=\"\(request)\"\n\(field)="
            let longest = String(repeating: "n", count: 64)
            #expect(Self.error(start + "\"\(longest)\"\n" + others) == nil)
            let error = try #require(Self.error(start + "\"\(longest)n\"\n" + others))
            #expect(error.code == .tooLong)
            #expect(error.field == field)
            #expect(error.limit == 64)
        }
    }

    @Test func `a logical volume's long name is only for messages and is cut`() throws {
        let long = String(repeating: "n", count: 127)
        let request = try Request.parse(
            frame(Self.start + "lv_uuid=\"u\"\nlv_name=\"\(long)\"\n"))
        guard case .action(let action) = request.body,
            case .lock(.logicalVolume(let volume), _, _) = action.operation
        else {
            Issue.record("not a lock")
            return
        }
        #expect(volume.name == String(repeating: "n", count: 64))
    }

    @Test(arguments: ["a/b", "a b", "../x", "\u{e4}", "a\\\\b"])
    func `a volume group's name has the characters that LVM allows`(_ name: String) {
        let error = Self.error("request=\"stop_vg\"\nvg_name=\"\(name)\"")
        #expect(error?.code == .badText)
    }

    @Test(arguments: [
        ("version", "vg_update"), ("host_id", "start_vg"), ("align_mb", "init_vg"),
        ("lv_size_bytes", "find_free_lock"),
    ])
    func `a number out of its range is refused`(_ field: String, _ request: String) {
        for number in ["-1", "-9223372036854775808", "9223372036854775808"] {
            let error = Self.error(
                "request=\"\(request)\"\nvg_name=\"v\"\nvg_lock_type=\"dlm\"\n\(field)=\(number)")
            #expect(error?.code == .badNumber)
            #expect(error?.field == field)
        }
    }

    @Test func `an odd pid does not spoil a request`() throws {
        #expect(try Request.parse(frame("request=\"hello\"\npid=\"x\"")).processID == nil)
        #expect(try Request.parse(frame("request=\"hello\"\npid=99999999999")).processID == nil)
    }

    @Test func `a failure says why, and repeats the number if there is one`() {
        let named = WireError(.missingField, field: "lv_uuid", operation: .lock)
        #expect(
            lines(Response.failed(named)) == [
                #"response = "failed""#, #"reason = "lv_uuid is missing""#, "op = 7",
                "op_result = -22", "##",
            ])
        let unnamed = WireError(.unknownRequest, field: "a\"\n##\n")
        #expect(
            lines(Response.failed(unnamed)) == [
                #"response = "failed""#, #"reason = "there is no request called a\" ## ""#, "##",
            ])
    }

    @Test func `no garbage makes the parser fall over`() {
        var random = Random(seed: 20_260_314)
        let pieces = [
            "request", "\"lock_lv\"", "\"start_vg\"", "vg_name", "lv_uuid", "path_num", "path[0]",
            "path[", "]", "=", " = ", "\"", "\\", "\n", "#", "-", "+", "9223372036854775807", "0",
            "\"none\"", "mode", "\"ex\"", "host_id", "\u{0}", "\u{e9}", "a", "/",
        ].map { Array($0.utf8) }
        for _ in 0..<20_000 {
            var bytes: [UInt8] = []
            for _ in 0..<random.next(below: 40) {
                if random.next(below: 8) == 0 {
                    bytes.append(UInt8(random.next(below: 256)))
                } else {
                    bytes += pieces[random.next(below: pieces.count)]
                }
            }
            Self.tryAll(bytes)
        }
    }

    @Test func `no captured request with a byte changed makes the parser fall over`() {
        var random = Random(seed: 7)
        for exchange in Captured.exchanges {
            for _ in 0..<20 {
                var bytes = exchange.request
                for _ in 0...random.next(below: 3) {
                    bytes[random.next(below: bytes.count)] = UInt8(random.next(below: 256))
                }
                Self.tryAll(bytes)
            }
        }
    }

    /// Ends with a request or an error, and whatever it is can be answered.
    private static func tryAll(_ bytes: [UInt8]) {
        var reader = FrameReader()
        reader.append(bytes + FrameReader.terminator)
        while let frame = try? reader.next() {
            do {
                let request = try Request.parse(frame)
                #expect(!Response.encode(.done, to: request.operation).isEmpty)
            } catch {
                #expect(Response.failed(error).suffix(5) == [0x0A, 0x0A, 0x23, 0x23, 0x0A])
            }
            _ = try? ClientResponse(frame)
        }
    }
}

/// Numbers that look random and are the same for the same seed (SplitMix64).
struct Random {
    private var state: UInt64

    init(seed: UInt64) {
        self.state = seed
    }

    mutating func next(below bound: Int) -> Int {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var word = self.state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((word ^ (word >> 31)) % UInt64(bound))
    }
}
