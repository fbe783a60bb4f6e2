/// Different values in order. A change moves what is behind it, and sorts nothing.
struct SortedList<Element: Comparable> {
    private(set) var elements: [Element] = []

    var isEmpty: Bool { self.elements.isEmpty }

    /// Puts it in, or in the place of the one that is neither less nor greater.
    mutating func insert(_ element: Element) {
        let place = self.place(of: element)
        if place < self.elements.count, !(element < self.elements[place]) {
            self.elements[place] = element
        } else {
            self.elements.insert(element, at: place)
        }
    }

    mutating func remove(_ element: Element) {
        let place = self.place(of: element)
        if place < self.elements.count, !(element < self.elements[place]) { self.elements.remove(at: place) }
    }

    /// Of the first that is not less.
    private func place(of element: Element) -> Int {
        var low = 0
        var high = self.elements.count
        while low < high {
            let middle = (low + high) / 2
            if self.elements[middle] < element { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
