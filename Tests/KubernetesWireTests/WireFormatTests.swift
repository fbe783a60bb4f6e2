import KubernetesWire
import Testing

@Suite struct WireFormatTests {
    @Test(arguments: [
        ("application/vnd.kubernetes.protobuf", WireFormat.protobuf),
        ("application/vnd.kubernetes.protobuf;stream=watch", .protobuf),
        ("Application/JSON", .json),
        ("application/json;charset=utf-8", .json),
        ("application/json ; stream=watch", .json),
        ("text/html", nil),
        ("application/vnd.kubernetes.protobufs", nil),
        ("", nil),
    ])
    func formatIsReadFromContentType(type: String, format: WireFormat?) {
        #expect(WireFormat(contentType: type) == format)
    }

    @Test func protobufIsAskedForWithJSONBehindIt() {
        #expect(WireFormat.protobuf.accept == "application/vnd.kubernetes.protobuf, application/json")
        #expect(WireFormat.json.accept == "application/json")
    }
}
