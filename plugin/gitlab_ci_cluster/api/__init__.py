"""The API server: HTTP, with one module per group of routes."""
