"""What a client sends becomes what is stored: defaults and validation, kind by kind."""
