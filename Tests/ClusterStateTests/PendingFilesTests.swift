import ClusterState
import Linux
import Testing

@Suite struct PendingFilesTests {
    private func pending(_ events: (Inotify.Mask, String?)...) -> PendingFiles {
        var pending = PendingFiles()
        pending.note(events.map { Inotify.Event(mask: $0, name: $1) })
        return pending
    }

    @Test(arguments: [
        ("a.yaml", true), ("a.yml", true), ("a.json", true), (".a.yaml", false), ("a.yaml~", false),
        ("a.yaml.swp", false), ("..data", false), ("README", false), ("yaml", false),
    ])
    func whichNamesAreManifests(name: String, isManifest: Bool) {
        #expect(PendingFiles.isManifest(name) == isManifest)
    }

    @Test func aFileIsReadWhenItIsClosedAndNotBefore() {
        var pending = self.pending((.create, "a.yaml"), (.modify, "a.yaml"))
        #expect(pending.take().changed.isEmpty)
        #expect(!pending.hasWork)
        pending.note([Inotify.Event(mask: .closeWrite, name: "a.yaml")])
        #expect(pending.take().changed == ["a.yaml"])
        #expect(pending.take().changed.isEmpty)
    }

    @Test func aFileWrittenAgainWaitsForItsNextClose() {
        var pending = self.pending((.closeWrite, "a.yaml"), (.modify, "a.yaml"), (.movedTo, "b.yaml"))
        #expect(pending.take().changed == ["b.yaml"])
        #expect(pending.isTouched("a.yaml") && !pending.isTouched("b.yaml"))
        pending.note([Inotify.Event(mask: .closeWrite, name: "a.yaml")])
        #expect(pending.take().changed == ["a.yaml"])
    }

    @Test func theLastOfGoneAndThereCounts() {
        var pending = self.pending(
            (.closeWrite, "a.yaml"), (.delete, "a.yaml"), (.movedFrom, "b.yaml"), (.movedTo, "b.yaml"))
        let (changed, gone) = pending.take()
        #expect(changed == ["b.yaml"])
        #expect(gone == ["a.yaml"])
    }

    @Test func whatAppearsIsToBeLookedAt() {
        var pending = self.pending((.create, "a.yaml"))
        #expect(pending.appeared == ["a.yaml"])
        pending.markChanged("a.yaml")
        #expect(pending.take().changed == ["a.yaml"])
        #expect(pending.appeared.isEmpty)
    }

    @Test func othersAskForALook() {
        #expect(self.pending((.movedTo, "..data")).needsLinkCheck)
        #expect(!self.pending((.modify, "notes.txt"), (.closeWrite, "notes.txt")).needsLinkCheck)
        #expect(self.pending((.queueOverflow, nil)).needsRescan)
        #expect(self.pending((.moveSelf, nil)).isDirectoryGone)
        #expect(self.pending((.deleteSelf, nil)).isDirectoryGone)
        #expect(self.pending((.ignored, nil)).isDirectoryGone)
        #expect(!PendingFiles().hasWork)
    }
}
