"""The Celery app: its tasks are the playground's producers and consumers, one thread each for as long as it lives."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "playground.settings")

from playground import settings  # noqa: E402  a worker needs addresses, not Django

app = Celery("playground", broker=settings.REDIS_URL, include=["playground.tasks.produce", "playground.tasks.consume"])
app.conf.update(
    task_default_queue="playground-apps",
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": 365 * 24 * 3600},  # a producer may run for a long lesson
    worker_hijack_root_logger=False,
)
