package import KubernetesAPI
package import ServiceModel

/// Who serves some Services in the kernel's stead.
package protocol StreamHandover: AnyObject {
    /// Makes ready what these plans ask for, so that the kernel may send clients there.
    ///
    /// - Parameter hints: what the kernel's table holds, where it was read back.
    /// - Returns: the plans as the kernel is to have them.
    func prepare(_ plans: [ObjectName: ServicePlan?], hints: TableProgram.Hints?) -> [ObjectName: ServicePlan?]
}
