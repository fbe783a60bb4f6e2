internal import Reactor

/// The elements of a worker's slabs, changed where they are: see ``Slab``.
///
/// Unsafe invariant of this file: an address is used for the access that it was asked for, and the compiler's rule of
/// exclusive access to the slab holds for that.
extension Slab where Element == Relay {
    subscript(relay: Handle) -> Relay {
        @inline(__always) unsafeAddress {
            unsafe UnsafePointer(self.places.address(of: relay).assumingMemoryBound(to: Relay.self))
        }
        @inline(__always) unsafeMutableAddress {
            unsafe self.places.address(of: relay).assumingMemoryBound(to: Relay.self)
        }
    }
}

extension Slab where Element == StreamListener {
    subscript(listener: Handle) -> StreamListener {
        @inline(__always) unsafeAddress {
            unsafe UnsafePointer(self.places.address(of: listener).assumingMemoryBound(to: StreamListener.self))
        }
        @inline(__always) unsafeMutableAddress {
            unsafe self.places.address(of: listener).assumingMemoryBound(to: StreamListener.self)
        }
    }
}

extension Slab where Element == ServedGroup {
    subscript(group: Handle) -> ServedGroup {
        @inline(__always) unsafeAddress {
            unsafe UnsafePointer(self.places.address(of: group).assumingMemoryBound(to: ServedGroup.self))
        }
        @inline(__always) unsafeMutableAddress {
            unsafe self.places.address(of: group).assumingMemoryBound(to: ServedGroup.self)
        }
    }
}

extension Slab where Element == EndpointPin {
    subscript(pin: Handle) -> EndpointPin {
        @inline(__always) unsafeAddress {
            unsafe UnsafePointer(self.places.address(of: pin).assumingMemoryBound(to: EndpointPin.self))
        }
        @inline(__always) unsafeMutableAddress {
            unsafe self.places.address(of: pin).assumingMemoryBound(to: EndpointPin.self)
        }
    }
}
