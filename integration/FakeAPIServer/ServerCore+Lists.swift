internal import KubernetesMessages
internal import KubernetesWire

extension ServerCore {
    func list(_ path: ResourcePath, _ request: Request, _ format: WireFormat, _ exchange: Exchange) throws {
        let query = try ListQuery(path, request)
        let version = Int(request.query["resourceVersion"] ?? "")
        if let version, version > self.store.resourceVersion {
            throw Refusal.versionTooLarge(version, current: self.store.resourceVersion)
        }
        var page: Page
        if let token = request.query["continue"], !token.isEmpty {
            guard let rest = self.pages[token] else {
                throw Refusal(
                    410,
                    "Expired",
                    "The provided continue parameter is too old to display a consistent list result. You can start a "
                        + "new list without the continue parameter."
                )
            }
            page = rest
        } else {
            let all = self.store.all(query.resource, namespace: query.namespace)
                .filter { query.labels.matches($0.labels) && query.fields.matches($0) }
            page = Page(objects: all[...], resourceVersion: self.store.resourceVersion)
        }
        var metadata = WireListMeta()
        metadata.resourceVersion = String(page.resourceVersion)
        // From its cache the API server gives everything, whatever the limit is.
        let limit = version == 0 ? 0 : Int(request.query["limit"] ?? "") ?? 0
        if limit > 0, page.objects.count > limit {
            self.lastPage += 1
            metadata.continue = "page-\(self.lastPage)"
            let rest = page.objects.dropFirst(limit)
            // With a selector the server does not know how many of the rest match.
            if request.query["labelSelector"] == nil, request.query["fieldSelector"] == nil {
                metadata.remainingItemCount = Int64(rest.count)
            }
            self.pages[metadata.continue] = Page(objects: rest, resourceVersion: page.resourceVersion)
            page = Page(objects: page.objects.prefix(limit), resourceVersion: page.resourceVersion)
        }
        let body = try Encoding.list(page.objects, of: query.resource, metadata: metadata, format)
        exchange.answer(200, type: format.mediaType, body)
    }
}
