"""JobPlan to pod: pure functions that build Kubernetes objects."""
