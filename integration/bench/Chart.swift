import Glibc

/// A plot as SVG that needs nothing beside itself and reads on light pages and dark ones.
struct Chart {
    /// A figure of one of those that are compared, with the least and the most of its rounds.
    struct Value {
        /// The place of its name in ``names``.
        let of: Int
        let figure: Double
        var least = Double.nan
        var most = Double.nan
    }

    struct Group {
        let label: String
        let values: [Value]
    }

    struct Line {
        let of: Int
        let points: [(x: Double, y: Double)]
    }

    enum Shape {
        /// From zero; the least and the most as a whisker.
        case bars([Group])
        /// On logarithmic axes.
        case lines([Line], x: String)
    }

    /// Its file is `bench-NAME.svg`.
    let name: String
    let title: String
    /// Of the figures.
    let unit: String
    /// Of those that are compared; each has a colour.
    let names: [String]
    let shape: Shape

    var file: String { "bench-\(self.name).svg" }

    private static let width = 760.0
    private static let left = 250.0
    private static let right = 70.0
    /// Told apart by those who are colour-blind, too (Okabe and Ito).
    private static let colours = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00"]

    var svg: String {
        let body: (height: Double, elements: [String]) =
            switch self.shape {
            case .bars(let groups): self.bars(groups)
            case .lines(let lines, let x): self.lines(lines, x)
            }
        let size = "\(Self.text(Self.width)) \(Self.text(body.height))"
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(size)" role="img" font-family="sans-serif" font-size="12">
            <title>\(Self.escaped(self.title))</title>
            <style>text { fill: #24292f } .grid { stroke: #8c959f; stroke-opacity: 0.4 } .whisker { stroke: #57606a }
            @media (prefers-color-scheme: dark) { text { fill: #c9d1d9 } .whisker { stroke: #b1bac4 } }</style>
            \(([self.heading] + body.elements).joined(separator: "\n"))
            </svg>

            """
    }

    private var heading: String {
        var x = 10.0
        var elements = [
            "<text x=\"10\" y=\"20\" font-size=\"14\" font-weight=\"bold\">\(Self.escaped(self.title))</text>"
        ]
        for (place, name) in self.names.enumerated() {
            elements.append(Self.rectangle(x, 32, 12, 12, Self.colour(place)))
            elements.append(Self.label(name, x + 17, 42))
            x += 34 + 7 * Double(name.count)
        }
        return elements.joined(separator: "\n")
    }

    // MARK: - Bars

    private func bars(_ groups: [Group]) -> (Double, [String]) {
        let (thickness, gap) = (15.0, 14.0)
        let most = groups.flatMap(\.values).map { $0.most.isNaN ? $0.figure : Swift.max($0.figure, $0.most) }.max() ?? 1
        let scale = (Self.width - Self.left - Self.right) / Swift.max(most, .leastNormalMagnitude)
        var y = 58.0
        var elements: [String] = []
        for group in groups {
            let height = thickness * Double(group.values.count)
            elements.append(Self.label(group.label, Self.left - 8, y + height / 2 + 4, anchor: "end"))
            for value in group.values {
                elements.append(
                    Self.rectangle(Self.left, y + 1, value.figure * scale, thickness - 2, Self.colour(value.of)))
                if !value.least.isNaN {
                    let (from, to, middle) = (
                        Self.left + value.least * scale, Self.left + value.most * scale, y + thickness / 2
                    )
                    elements.append(Self.line(from, middle, to, middle, "whisker"))
                    for end in [from, to] { elements.append(Self.line(end, middle - 3, end, middle + 3, "whisker")) }
                }
                let end = Self.left + Swift.max(value.figure, value.most.isNaN ? 0 : value.most) * scale
                elements.append(Self.label("\(Self.number(value.figure)) \(self.unit)", end + 6, y + thickness - 3))
                y += thickness
            }
            y += gap
        }
        return (y, elements)
    }

    // MARK: - Lines

    private func lines(_ lines: [Line], _ xLabel: String) -> (Double, [String]) {
        let (top, bottom, left, right) = (60.0, 330.0, 80.0, Self.width - 20)
        let points = lines.flatMap(\.points).filter { $0.x > 0 && $0.y > 0 }
        guard let x = Axis(points.map(\.x), from: left, to: right), let y = Axis(points.map(\.y), from: bottom, to: top)
        else { return (bottom, []) }
        var elements: [String] = []
        for decade in x.decades {
            elements.append(Self.line(x[decade], top, x[decade], bottom, "grid"))
            elements.append(Self.label(Self.number(decade), x[decade], bottom + 16, anchor: "middle"))
        }
        for decade in y.decades {
            elements.append(Self.line(left, y[decade], right, y[decade], "grid"))
            elements.append(Self.label("\(Self.number(decade)) \(self.unit)", left - 6, y[decade] + 4, anchor: "end"))
        }
        elements.append(Self.label(xLabel, right, bottom + 34, anchor: "end"))
        for line in lines {
            let places = line.points.filter { $0.x > 0 && $0.y > 0 }.map { (x[$0.x], y[$0.y]) }
            let path = places.map { "\(Self.text($0.0)),\(Self.text($0.1))" }.joined(separator: " ")
            let colour = Self.colour(line.of)
            elements.append("<polyline points=\"\(path)\" fill=\"none\" stroke=\"\(colour)\" stroke-width=\"2\"/>")
            elements += places.map {
                "<circle cx=\"\(Self.text($0.0))\" cy=\"\(Self.text($0.1))\" r=\"3.5\" fill=\"\(colour)\"/>"
            }
        }
        return (bottom + 44, elements)
    }

    /// Whole decades, logarithmically.
    private struct Axis {
        let decades: [Double]
        private let least: Double
        private let from: Double
        private let perDecade: Double

        init?(_ values: [Double], from: Double, to: Double) {
            guard let least = values.min(), let most = values.max() else { return nil }
            var decade = 1.0
            while decade > least { decade /= 10 }
            while decade * 10 <= least { decade *= 10 }
            var decades = [decade]
            repeat { decades.append(decades[decades.count - 1] * 10) } while decades[decades.count - 1] < most
            self.decades = decades
            self.least = decades[0]
            self.from = from
            self.perDecade = (to - from) / Double(decades.count - 1)
        }

        subscript(value: Double) -> Double { self.from + self.perDecade * log10(value / self.least) }
    }

    // MARK: - Elements

    private static func colour(_ place: Int) -> String { self.colours[place % self.colours.count] }

    private static func rectangle(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ colour: String)
        -> String
    {
        "<rect x=\"\(text(x))\" y=\"\(text(y))\" width=\"\(text(width))\" height=\"\(text(height))\" fill=\"\(colour)\"/>"
    }

    private static func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ kind: String) -> String {
        "<line x1=\"\(text(x1))\" y1=\"\(text(y1))\" x2=\"\(text(x2))\" y2=\"\(text(y2))\" class=\"\(kind)\"/>"
    }

    private static func label(_ words: String, _ x: Double, _ y: Double, anchor: String = "start") -> String {
        "<text x=\"\(text(x))\" y=\"\(text(y))\" text-anchor=\"\(anchor)\">\(escaped(words))</text>"
    }

    private static func text(_ value: Double) -> String { Table.decimal(value.isNaN ? 0 : value, 1) }

    /// With as many digits as tell something.
    static func number(_ value: Double) -> String {
        if value >= 100 || value == value.rounded() { return Table.grouped(Int(value.rounded())) }
        return Table.decimal(value, value >= 10 ? 1 : value >= 0.1 ? 2 : 3)
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}
