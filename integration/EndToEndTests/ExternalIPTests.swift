import Lab
import Networking
import Testing

extension EndToEnd {
    /// externalIPs: addresses that are on no interface.
    @Suite struct ExternalIPTests {
        @Test(arguments: AddressFamily.allCases)
        func `B6 answers at its ports and masquerades everybody`(family: AddressFamily) throws {
            let scene = try Scene()
            defer { scene.tearDown() }
            var web = Application(on: [scene.pods[0], scene.pods[1]])
            web.hasExternalIPs = true
            try scene.put(web)
            let gateway = scene.lab.podGateway(family)
            try expectAnswered(
                scene.vantagePoints + [scene.pods[2]], web.externalIP(family), by: [scene.pods[0], scene.pods[1]]
            ) { _ in gateway }
            // Elsewhere than at its ports the address is not the Service's.
            try expectUnserved(scene.vantagePoints, web.externalIP(family).port(81))
            // Nor is it once the Service lets it go, which its ClusterIP does not notice.
            web.hasExternalIPs = false
            try scene.put(web)
            try expectUnserved(scene.vantagePoints, web.externalIP(family))
            try expectAnswered(scene.vantagePoints, web.clusterIP(family))
        }
    }
}
