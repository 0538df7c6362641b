"""Containers as plain processes over the host's own root, isolated as well as the machine allows."""
