"""include: from keyword to one merged tree."""
