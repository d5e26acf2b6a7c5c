"""Jobs: what writes. Fetching mirrors, taking snapshots, making a world to try."""
