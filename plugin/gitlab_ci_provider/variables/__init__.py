"""CI/CD variables: precedence, expansion, the predefined CI_ ones."""
