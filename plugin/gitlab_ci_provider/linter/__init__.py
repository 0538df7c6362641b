"""CiConfig to diagnostics: all of them, not the first."""
