package import Linux

/// Which files of a directory are to be read, from what inotify tells. Pure: asks nobody.
///
/// A file is taken over when its writer closes it or a rename puts it in place. Between the first
/// write and the close it is being written, and what is read in between does not count.
package struct PendingFiles: Sendable {
    /// A file that appeared without having been written here: perhaps a link, which has no writer
    /// that could close it.
    package private(set) var appeared: Set<String> = []
    package private(set) var beingWritten: Set<String> = []
    private var changed: Set<String> = []
    private var gone: Set<String> = []
    /// Something that is no manifest came or went: perhaps a directory that links lead through.
    package private(set) var needsLinkCheck = false
    /// Events were lost, so every file is to be looked at.
    package private(set) var needsRescan = false
    /// The directory itself went away.
    package private(set) var isDirectoryGone = false

    package init() {}

    /// What inotify has to be asked for.
    package static let mask: Inotify.Mask = [
        .modify, .closeWrite, .movedFrom, .movedTo, .create, .delete, .deleteSelf, .moveSelf,
    ]

    /// `*.yaml`, `*.yml` and `*.json`, but no hidden ones. Editors' backups and temporary files end
    /// otherwise (`~`, `.swp`) or are hidden.
    package static func isManifest(_ name: String) -> Bool {
        !name.hasPrefix(".") && [".yaml", ".yml", ".json"].contains { name.hasSuffix($0) }
    }

    package mutating func note(_ events: [Inotify.Event]) {
        for event in events { self.note(event) }
    }

    private mutating func note(_ event: Inotify.Event) {
        if event.mask.contains(.queueOverflow) {
            // The close of a file may be among what was lost.
            self.beingWritten = []
            self.needsRescan = true
        }
        if !event.mask.isDisjoint(with: [.deleteSelf, .moveSelf, .unmount, .ignored]) { self.isDirectoryGone = true }
        guard let name = event.name else { return }
        guard Self.isManifest(name) else {
            if !event.mask.isDisjoint(with: [.create, .movedTo, .movedFrom, .delete]) { self.needsLinkCheck = true }
            return
        }
        if event.mask.contains(.create) {
            self.appeared.insert(name)
            self.gone.remove(name)
        } else if event.mask.contains(.modify) {
            self.beingWritten.insert(name)
        } else if !event.mask.isDisjoint(with: [.closeWrite, .movedTo]) {
            self.forget(name)
            self.changed.insert(name)
        } else if !event.mask.isDisjoint(with: [.delete, .movedFrom]) {
            self.forget(name)
            self.gone.insert(name)
        }
    }

    private mutating func forget(_ name: String) {
        self.beingWritten.remove(name)
        self.appeared.remove(name)
        self.changed.remove(name)
        self.gone.remove(name)
    }

    /// The caller looked, and it is a link: read it.
    package mutating func markChanged(_ name: String) {
        self.changed.insert(name)
    }

    /// Whether events about a file came since the last ``take()``, so that what was read of it is old.
    package func isTouched(_ name: String) -> Bool {
        self.beingWritten.contains(name) || self.changed.contains(name) || self.gone.contains(name)
            || self.appeared.contains(name)
    }

    /// Whether there is anything to do before the next event.
    package var hasWork: Bool {
        self.isDirectoryGone || self.needsRescan || self.needsLinkCheck || !self.appeared.isEmpty || !self.gone.isEmpty
            || !self.changed.isSubset(of: self.beingWritten)
    }

    /// What to read and what to drop now, sorted. Files being written stay for their close.
    package mutating func take() -> (changed: [String], gone: [String]) {
        let ready = self.changed.subtracting(self.beingWritten)
        let gone = self.gone
        self.changed.subtract(ready)
        self.gone = []
        self.appeared = []
        self.needsLinkCheck = false
        self.needsRescan = false
        return (ready.sorted(), gone.sorted())
    }
}
