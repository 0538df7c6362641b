"""Objects as the Kubernetes API has them: kinds, types, errors, selectors, and their store."""
