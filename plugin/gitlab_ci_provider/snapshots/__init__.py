"""Compiled pipelines at rest, addressed by digest."""
