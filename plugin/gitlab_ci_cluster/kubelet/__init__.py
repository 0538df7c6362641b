"""Runs pods: one task a pod, from scheduling to the last status."""
