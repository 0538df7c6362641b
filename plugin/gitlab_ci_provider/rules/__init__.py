"""The rules language and its evaluation for one pipeline."""
