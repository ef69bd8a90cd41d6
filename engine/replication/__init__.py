"""Leaders, followers, in-sync replicas and the high watermark."""
