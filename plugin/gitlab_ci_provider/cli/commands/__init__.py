"""One module per command: parse flags, call one function, print."""
