"""The playground's producers and consumers: long-running Celery tasks with real clients."""
