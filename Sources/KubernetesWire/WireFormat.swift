// KubernetesWire: the forms in which the Kubernetes API sends and takes objects, protobuf and JSON. Bytes
// in, values of KubernetesAPI out, and for what Fairlead writes the other way round. Pure: no I/O, no
// clock. `Generated` is written by `make protobuf` from `proto`, which has the API's field numbers.

/// How objects are written (kubernetes: apimachinery/pkg/runtime/serializer).
package enum WireFormat: String, Sendable, Hashable, CaseIterable {
    case protobuf
    case json

    /// The media type of bodies, to be sent as `Content-Type`.
    package var mediaType: String {
        switch self {
        case .protobuf: "application/vnd.kubernetes.protobuf"
        case .json: "application/json"
        }
    }

    /// `Accept`, for watches too, as client-go sends it. With JSON behind protobuf: servers that extend the
    /// API, and errors of some proxies, know only that.
    package var accept: String {
        switch self {
        case .protobuf: "\(self.mediaType), application/json"
        case .json: self.mediaType
        }
    }

    /// `Content-Type` of a watch: JSON does without the parameter (kubernetes:
    /// apiserver/pkg/endpoints/handlers/watch.go).
    package var watchMediaType: String {
        switch self {
        case .protobuf: "\(self.mediaType);stream=watch"
        case .json: self.mediaType
        }
    }

    /// Which of the two a `Content-Type` says; nil if neither. Parameters (`;stream=watch`, `;charset=utf-8`)
    /// change nothing.
    package init?(contentType: String) {
        let type = contentType.prefix { $0 != ";" && $0 != "," && $0 != " " }.lowercased()
        guard let format = Self.allCases.first(where: { $0.mediaType == type }) else { return nil }
        self = format
    }
}

/// How much of the API server's answers is held at once.
package struct WireLimits: Sendable, Hashable {
    /// Bytes of one watch event, or of one object in a list. The API server stores objects of up to 1.5 MiB;
    /// client-go reads frames of up to 16 MiB.
    package var maximumObjectSize: Int
    /// Bytes of one list in JSON, which is decoded as a whole. In protobuf only its objects are limited.
    package var maximumListSize: Int
    /// Bytes kept of an answer that is no Status: pages of proxies and load balancers.
    package var maximumErrorText: Int

    package init(
        maximumObjectSize: Int = 16 << 20,
        maximumListSize: Int = 256 << 20,
        maximumErrorText: Int = 256
    ) {
        self.maximumObjectSize = maximumObjectSize
        self.maximumListSize = maximumListSize
        self.maximumErrorText = maximumErrorText
    }
}
