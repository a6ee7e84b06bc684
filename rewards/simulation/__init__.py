"""What events would earn; nothing is written."""
