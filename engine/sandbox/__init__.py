"""The roof: a cluster and its apps behind one front door."""
