"""Containers as plain processes over the host's own root, isolated as far as possible."""
