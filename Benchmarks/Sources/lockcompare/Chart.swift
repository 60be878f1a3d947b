import Foundation

/// The reaches as a picture: each a bar from 1 to the ratio, on a scale where half and double are
/// equally far from 1, with a mark at the limit.
struct Chart {
    let results: Results

    private static let rowHeight = 34.0
    private static let labelWidth = 430.0
    private static let plotWidth = 420.0
    private static let valueWidth = 150.0
    private static let header = 58.0
    /// The largest ratio on the scale, and one over the smallest.
    private static let extent = 30.0

    var svg: String {
        // Those that are not ratios have no place on the scale.
        let reaches = self.results.reaches.filter { $0.limit > 0 && $0.limit < 100 }
        let width = Self.labelWidth + Self.plotWidth + Self.valueWidth
        let height = Self.header + Double(reaches.count) * Self.rowHeight + 30
        var parts = [
            """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" \
            font-family="sans-serif" font-size="13">
            """,
            #"<rect width="100%" height="100%" fill="white"/>"#,
            Self.text(12, 20, "Holdfast in ratios; a bar is the result, a line the limit"),
            Self.text(12, 38, self.results.machine.processor + ", " + self.results.machine.time),
        ]
        parts += [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20].flatMap { Self.gridLine($0, height) }
        for (index, reach) in reaches.enumerated() {
            parts += Self.row(reach, top: Self.header + Double(index) * Self.rowHeight)
        }
        parts.append("</svg>\n")
        return parts.joined(separator: "\n")
    }

    private static func row(_ reach: Results.ReachResult, top: Double) -> [String] {
        let (from, to) = (self.x(1), self.x(reach.value))
        let limit = self.x(reach.limit)
        let color = reach.isReached ? "#2a7f4f" : "#c0392b"
        let bar = (x: min(from, to), width: max(1, abs(to - from)))
        return [
            self.text(12, top + 21, reach.title),
            """
            <rect x="\(bar.x)" y="\(top + 8)" width="\(bar.width)" height="18" fill="\(color)"/>
            """,
            """
            <line x1="\(limit)" y1="\(top + 3)" x2="\(limit)" y2="\(top + 31)" stroke="black" \
            stroke-width="2"/>
            """,
            self.text(
                self.labelWidth + self.plotWidth + 10, top + 21,
                String(format: "%.2f", reach.value) + (reach.isReached ? "" : " not reached")),
        ]
    }

    private static func gridLine(_ ratio: Double, _ height: Double) -> [String] {
        let x = self.x(ratio)
        return [
            """
            <line x1="\(x)" y1="\(self.header)" x2="\(x)" y2="\(height - 22)" stroke="#cccccc"/>
            """,
            self.text(x - 8, height - 6, Report.number(ratio)),
        ]
    }

    private static func x(_ ratio: Double) -> Double {
        let bounded = min(max(ratio, 1 / self.extent), self.extent)
        let share = (log(bounded) / log(self.extent) + 1) / 2
        return (self.labelWidth + share * self.plotWidth).rounded()
    }

    private static func text(_ x: Double, _ y: Double, _ text: String) -> String {
        let safe = text.replacingOccurrences(of: "&", with: "&amp;")
            .replacingOccurrences(of: "<", with: "&lt;")
        return #"<text x="\#(x)" y="\#(y)">\#(safe)</text>"#
    }
}
