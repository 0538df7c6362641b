"""Canceling jobs of a pipeline."""
