package import Balancing

extension ProxyLimits {
    package var outliers: OutlierPolicy {
        var policy = OutlierPolicy()
        policy.consecutiveGatewayFailures = self.outlierGatewayFailures
        policy.consecutiveServerErrors = self.outlierServerErrors
        policy.baseEjectionTime = UInt64(self.outlierEjectionTime)
        policy.maximumEjectionTime = UInt64(self.outlierMaximumEjectionTime)
        policy.ejectionJitter = UInt64(self.outlierEjectionJitter)
        policy.maximumEjectedPercent = self.outlierMaximumEjected
        policy.panicPercent = self.outlierPanicThreshold
        return policy
    }

    package var retries: RetryPolicy {
        var policy = RetryPolicy()
        policy.maximumTries = self.maximumTries
        policy.maximumElapsed = UInt64(self.retryTimeout)
        return policy
    }

    package var retryBudgetPolicy: RetryBudget.Policy {
        var policy = RetryBudget.Policy()
        policy.percent = self.retryBudget
        policy.minimumPerSecond = self.retryBudgetMinimum
        return policy
    }
}
