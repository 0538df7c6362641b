"""Runs pods: one task per pod, from scheduling to the last status."""
