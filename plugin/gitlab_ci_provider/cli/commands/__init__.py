"""One module a command: flags in, one facade, output."""
