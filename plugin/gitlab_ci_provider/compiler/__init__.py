"""CiConfig to Pipeline."""
