"""`spec:inputs`: typed values that are put into the text before YAML is read."""
