/// The same objects as in ``RecordedProtobuf``, in the JSON of the API server: `kubectl get --raw`.
enum RecordedJSON {
    static let endpointSlice = """
        {"kind":"EndpointSlice","apiVersion":"discovery.k8s.io/v1","metadata":{"name":"web-x7k2p","generateName":"web-",\
        "namespace":"shop","uid":"3f0c9f0e-6f0e-4a52-8d0c-0d6e1b1b7a01","resourceVersion":"48213","generation":7,\
        "creationTimestamp":"2026-01-01T00:00:00Z","labels":{"kubernetes.io/service-name":"web",\
        "endpointslice.kubernetes.io/managed-by":"endpointslice-controller.k8s.io","fairlead.dev/a":"b"},\
        "annotations":{"endpoints.kubernetes.io/last-change-trigger-time":"2026-01-31T12:00:00.5Z"},"ownerReferences":[\
        {"apiVersion":"v1","kind":"Service","name":"web","uid":"u","controller":true,"blockOwnerDeletion":true}],\
        "managedFields":[{"manager":"kube-controller-manager","operation":"Update","apiVersion":"discovery.k8s.io/v1",\
        "time":"2026-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{"f:addressType":{}}}]},"addressType":"IPv4",\
        "endpoints":[{"addresses":["10.244.1.7","10.244.1.8"],"conditions":{"ready":true,"serving":true,\
        "terminating":false},"targetRef":{"kind":"Pod","namespace":"shop","name":"web-5d4f-abcde","uid":"x"},\
        "nodeName":"node-1.example.com","zone":"eu-west-1a","hints":{"forZones":[{"name":"eu-west-1a"}],"forNodes":[\
        {"name":"node-1.example.com"}]}},{"addresses":["10.244.2.9"],"conditions":{"ready":false,"serving":true,\
        "terminating":true},"nodeName":"node-2.example.com"},{"addresses":["10.244.3.9"],"conditions":{},\
        "hostname":"h"}],"ports":[{"name":"http","protocol":"TCP","port":8080,"appProtocol":"kubernetes.io/h2c"},\
        {"name":"","protocol":"UDP","port":5353},{"name":"all","protocol":"TCP","port":null}]}
        """

    static let service = """
        {"kind":"Service","apiVersion":"v1","metadata":{"name":"web","namespace":"shop","uid":"9a","resourceVersion":\
        "48210","creationTimestamp":"2026-01-01T00:00:00Z","labels":{"app":"web"},"annotations":{"fairlead.dev/weight":\
        "2"}},"spec":{"ports":[{"name":"http","protocol":"TCP","appProtocol":"http","port":80,"targetPort":"http",\
        "nodePort":30080},{"name":"dns","protocol":"UDP","port":53,"targetPort":5353}],"selector":{"app":"web"},\
        "clusterIP":"10.96.0.10","clusterIPs":["10.96.0.10","fd00::a"],"type":"LoadBalancer","externalIPs":[\
        "203.0.113.9"],"sessionAffinity":"ClientIP","loadBalancerSourceRanges":["198.51.100.0/24","2001:db8::/32"],\
        "externalTrafficPolicy":"Local","healthCheckNodePort":32000,"sessionAffinityConfig":{"clientIP":{\
        "timeoutSeconds":600}},"ipFamilies":["IPv4","IPv6"],"ipFamilyPolicy":"RequireDualStack",\
        "allocateLoadBalancerNodePorts":true,"internalTrafficPolicy":"Local","trafficDistribution":"PreferClose"},\
        "status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1","ipMode":"VIP","ports":[{"port":80,"protocol":"TCP"}]},\
        {"ip":"192.0.2.2","ipMode":"Proxy"},{"hostname":"lb.example.com"},{"ip":"2001:db8::1"}]},"conditions":[{"type":\
        "t","status":"True","lastTransitionTime":null,"reason":"r","message":"m"}]}}
        """

    static let node = """
        {"kind":"Node","apiVersion":"v1","metadata":{"name":"node-1.example.com","uid":"n","resourceVersion":"5",\
        "creationTimestamp":"2026-01-01T00:00:00Z","deletionTimestamp":"2026-01-01T00:01:40Z","labels":{\
        "topology.kubernetes.io/zone":"eu-west-1a","kubernetes.io/os":"linux"}},"spec":{"podCIDR":"10.244.1.0/24",\
        "podCIDRs":["10.244.1.0/24","fd00:244:1::/64"],"providerID":"p","unschedulable":true,"taints":[{"key":\
        "ToBeDeletedByClusterAutoscaler","value":"1767225600","effect":"NoSchedule"},{"key":\
        "node.kubernetes.io/unschedulable","effect":"NoSchedule","timeAdded":"1970-01-01T00:00:01Z"}]},"status":{\
        "capacity":{"cpu":"2"},"conditions":[{"type":"Ready","status":"True","lastHeartbeatTime":null}],"addresses":[\
        {"type":"InternalIP","address":"192.168.1.10"},{"type":"InternalIP","address":"fd00::10"},{"type":"Hostname",\
        "address":"node-1"}],"nodeInfo":{"kubeletVersion":"v1.36.1"},"images":[{"names":["a"],"sizeBytes":12345678901}]}}
        """

    static let serviceCIDR = """
        {"kind":"ServiceCIDR","apiVersion":"networking.k8s.io/v1","metadata":{"name":"kubernetes","uid":"c",\
        "resourceVersion":"3","creationTimestamp":"2026-01-01T00:00:00Z"},"spec":{"cidrs":["10.96.0.0/16",\
        "fd00:96::/112"]},"status":{"conditions":[{"type":"Ready","status":"True"}]}}
        """

    static let expired = """
        {"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old resource version: 100 \
        (48213)","reason":"Expired","code":410}
        """

    static let tooLarge = """
        {"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"The request is invalid",\
        "reason":"Timeout","details":{"name":"n","group":"g","kind":"k","uid":"u","causes":[{"reason":\
        "ResourceVersionTooLarge","message":"Too large resource version"}],"retryAfterSeconds":3},"code":504}
        """

    /// A page as the API server writes it: items without type, a new line at the end.
    static let endpointSliceList = """
        {"kind":"EndpointSliceList","apiVersion":"discovery.k8s.io/v1","metadata":{"resourceVersion":"900","continue":\
        "abc","remainingItemCount":7},"items":[\(endpointSlice),{"metadata":{"name":"second","namespace":"a",\
        "resourceVersion":"2","creationTimestamp":null,"labels":{"kubernetes.io/service-name":"s"}},"addressType":\
        "IPv6","endpoints":null,"ports":null}]}

        """

    static func bookmark(resourceVersion: String, annotations: String) -> String {
        #"{"kind":"EndpointSlice","apiVersion":"discovery.k8s.io/v1","metadata":{"resourceVersion":"\#(resourceVersion)","#
            + #""creationTimestamp":null\#(annotations)},"addressType":"","endpoints":null,"ports":null}"#
    }

    /// The events of ``Wrapped/watch``. What is between them, and the order of their members, differs.
    static let watch = [
        #"{"type":"ADDED","object":\#(endpointSlice)}"#, "\n",
        #"{"type":"BOOKMARK","object":"#,
        bookmark(resourceVersion: "48220", annotations: #","annotations":{"k8s.io/initial-events-end":"true"}"#), "}\n",
        #"{"object":\#(endpointSlice), "type" : "MODIFIED"}"#,
        #" {"type":"DELETED" ,"object": \#(endpointSlice) ,"note":"} \" {[" }"#, "\r\n\t",
        #"{"type":"BOOKMARK","object":\#(bookmark(resourceVersion: "48300", annotations: ""))}"#,
        #"{"type":"PAUSED","object":\#(endpointSlice)}"#,
        #"{"type":"ERROR","object":\#(expired)}"#, "\n",
    ].joined()
}
