"""What the cluster looks like."""
