"""A job and its run to a JobPlan: every decision that the pod obeys."""
