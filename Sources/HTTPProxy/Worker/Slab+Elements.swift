internal import Reactor

/// The elements of a worker's slabs, changed where they are: see ``Slab``.
///
/// Unsafe invariant of this file: an address is used for the access that it was asked for, and the compiler's rule of
/// exclusive access to the slab holds for that.
extension Slab where Element == ClientConnection {
    subscript(client: Handle) -> ClientConnection {
        @inline(__always) unsafeAddress {
            unsafe UnsafePointer(self.places.address(of: client).assumingMemoryBound(to: ClientConnection.self))
        }
        @inline(__always) unsafeMutableAddress {
            unsafe self.places.address(of: client).assumingMemoryBound(to: ClientConnection.self)
        }
    }
}

extension Slab where Element == UpstreamConnection {
    subscript(upstream: Handle) -> UpstreamConnection {
        @inline(__always) unsafeAddress {
            unsafe UnsafePointer(self.places.address(of: upstream).assumingMemoryBound(to: UpstreamConnection.self))
        }
        @inline(__always) unsafeMutableAddress {
            unsafe self.places.address(of: upstream).assumingMemoryBound(to: UpstreamConnection.self)
        }
    }
}

extension Slab where Element == HTTP2Connection {
    subscript(connection: Handle) -> HTTP2Connection {
        @inline(__always) unsafeAddress {
            unsafe UnsafePointer(self.places.address(of: connection).assumingMemoryBound(to: HTTP2Connection.self))
        }
        @inline(__always) unsafeMutableAddress {
            unsafe self.places.address(of: connection).assumingMemoryBound(to: HTTP2Connection.self)
        }
    }
}

extension Slab where Element == BackendPool {
    subscript(backend: Handle) -> BackendPool {
        @inline(__always) unsafeAddress {
            unsafe UnsafePointer(self.places.address(of: backend).assumingMemoryBound(to: BackendPool.self))
        }
        @inline(__always) unsafeMutableAddress {
            unsafe self.places.address(of: backend).assumingMemoryBound(to: BackendPool.self)
        }
    }
}
