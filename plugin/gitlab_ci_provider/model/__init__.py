"""The values that cross borders: frozen dataclasses, no behaviour that needs a framework."""
