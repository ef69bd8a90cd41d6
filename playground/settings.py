"""Django's settings. What differs from machine to machine comes from the environment; `./play` sets it."""

import os
import secrets
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("PLAYGROUND_DATA", ROOT / ".play" / "data"))
REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
KAFKA_PORT = int(os.environ.get("PLAYGROUND_KAFKA_PORT", "9092"))
BROKERS = int(os.environ.get("PLAYGROUND_BROKERS", "3"))
PROFILE = os.environ.get("PLAYGROUND_PROFILE", "demo")
PORT = int(os.environ.get("PLAYGROUND_PORT", "8000"))

DEBUG = False
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_USE_FINDERS = False
# There is no login and no session; the key signs nothing that must outlive a process.
SECRET_KEY = os.environ.get("PLAYGROUND_SECRET_KEY") or secrets.token_urlsafe(48)
# Only names of this machine: a page that points a name of its own here (DNS rebinding) is refused.
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", *filter(None, os.environ.get("PLAYGROUND_HOSTS", "").split(","))]

INSTALLED_APPS = ["playground"]
MIDDLEWARE = [
    "playground.views.guard.guard",
    "playground.views.static_files.StaticFiles",
    "django.middleware.common.CommonMiddleware",
]
ROOT_URLCONF = "playground.urls"
ASGI_APPLICATION = "playground.asgi.application"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [ROOT / "templates"], "OPTIONS": {}}]
APPEND_SLASH = False
USE_TZ = True
USE_I18N = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024  # a command line is all that anybody sends


def _database(url: str) -> dict[str, object]:
    """SQLite in the data folder, or DATABASE_URL=postgres://user:password@host:port/name."""
    if not url:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": DATA / "playground.sqlite3"}
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": parts.path}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": parts.port or "",
    }


DATABASES = {"default": _database(os.environ.get("DATABASE_URL", ""))}

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "playground"},
    }
}

STATIC_URL = "/static/"
STATIC_ROOT = ROOT / "static" / "dist"
VITE_MANIFEST = STATIC_ROOT / ".vite" / "manifest.json"
VITE_ENTRY = "src/boot.ts"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"daphne": {"level": "WARNING"}, "django.channels": {"level": "WARNING"}},
}
