/// The objects of `RecordedProtobuf+Ingress.swift`.
extension RecordedJSON {
    static let ingress = """
        {"kind":"Ingress","apiVersion":"networking.k8s.io/v1","metadata":{"name":"shop","namespace":"shop","uid":"1b",\
        "resourceVersion":"48230","generation":3,"creationTimestamp":"2026-01-01T00:00:00Z","labels":{"app":"shop"},\
        "annotations":{"kubernetes.io/ingress.class":"fairlead","fairlead.dev/proxy-body-size":"8m",\
        "kubectl.kubernetes.io/last-applied-configuration":"{}"},"managedFields":[{"manager":"kubectl","operation":\
        "Apply","apiVersion":"networking.k8s.io/v1","time":"2026-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{\
        "f:spec":{}}}]},"spec":{"ingressClassName":"fairlead","defaultBackend":{"service":{"name":"front","port":{\
        "number":8080}}},"tls":[{"hosts":["shop.example","*.shop.example"],"secretName":"shop-tls"},{"hosts":[\
        "plain.example"]},{"secretName":"rest"}],"rules":[{"host":"shop.example","http":{"paths":[{"path":"/cart",\
        "pathType":"Exact","backend":{"service":{"name":"cart","port":{"name":"http"}}}},{"path":"/","pathType":"Prefix",\
        "backend":{"service":{"name":"front","port":{"number":80}}}},{"pathType":"ImplementationSpecific","backend":{\
        "resource":{"apiGroup":"k8s.example.com","kind":"StorageBucket","name":"static"}}},{"path":"/config","pathType":\
        "Prefix","backend":{"resource":{"apiGroup":null,"kind":"ConfigMap","name":"static"}}}]}},{"host":\
        "*.shop.example"},{"http":{"paths":[{"path":"/any","pathType":"Prefix","backend":{"service":{"name":"any","port":{\
        "number":65535}}}}]}}]},"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1","ports":[{"port":80,"protocol":\
        "TCP","error":"x"}]},{"hostname":"lb.example.com"},{"ip":"2001:db8::1","hostname":"lb6.example.com"}]}}}
        """

    static let ingressClass = """
        {"kind":"IngressClass","apiVersion":"networking.k8s.io/v1","metadata":{"name":"fairlead","uid":"1c",\
        "resourceVersion":"12","generation":1,"creationTimestamp":"2026-01-01T00:00:00Z","annotations":{\
        "ingressclass.kubernetes.io/is-default-class":"true","fairlead.dev/ssl-redirect":"true"}},"spec":{"controller":\
        "fairlead.dev/ingress-controller","parameters":{"apiGroup":"k8s.example.com","kind":"IngressParameters","name":\
        "external","scope":"Namespace","namespace":"infra"}}}
        """

    static let secret = """
        {"kind":"Secret","apiVersion":"v1","metadata":{"name":"shop-tls","namespace":"shop","uid":"1d","resourceVersion":\
        "48231","creationTimestamp":"2026-01-01T00:00:00Z","annotations":{"cert-manager.io/common-name":\
        "shop.example"}},"immutable":true,"data":{"ca.crt":"YXV0aG9yaXR5","extra":"/wAB","tls.crt":\
        "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCkFRSUQKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=",\
        "tls.key":"Af9rZXk="},"type":"kubernetes.io/tls"}
        """

    static let foreignSecret = """
        {"kind":"Secret","apiVersion":"v1","metadata":{"name":"sh.helm.release.v1.shop.v1","namespace":"shop",\
        "resourceVersion":"5","creationTimestamp":"2026-01-01T00:00:00Z"},"data":{"release":"U0RSelNVRkJRVUU9",\
        "tls.key":"bm9uZSBvZiBvdXJz"},"type":"helm.sh/release.v1"}
        """
}
