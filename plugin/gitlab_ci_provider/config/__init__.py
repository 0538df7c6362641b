"""Text of a .gitlab-ci.yml to a resolved, typed CiConfig."""
