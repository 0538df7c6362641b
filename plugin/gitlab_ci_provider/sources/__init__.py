"""How files of a repository are read: the fetchers."""
