/// Different values in order. A change moves what is behind it, and sorts nothing.
struct SortedList<Element: Comparable & Sendable>: Sendable {
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

    /// Takes some out and puts others in. One that is both is in afterwards.
    mutating func apply(adding: [Element], removing: [Element]) {
        // Many at once are merged in one pass, and a few are put where they belong.
        guard adding.count + removing.count > 16 else {
            for element in removing { self.remove(element) }
            for element in adding { self.insert(element) }
            return
        }
        let adding = adding.sorted()
        let removing = removing.sorted()
        var merged: [Element] = []
        merged.reserveCapacity(self.elements.count + adding.count)
        var next = 0
        var out = 0
        for element in self.elements {
            while next < adding.count, adding[next] < element {
                merged.append(adding[next])
                next += 1
            }
            let isReplaced = next < adding.count && !(element < adding[next])
            while out < removing.count, removing[out] < element { out += 1 }
            let isRemoved = out < removing.count && !(element < removing[out])
            if !isReplaced, !isRemoved { merged.append(element) }
        }
        merged.append(contentsOf: adding[next...])
        self.elements = merged
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
