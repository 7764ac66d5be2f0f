"""What the answers of each slice look like, one file a slice."""
