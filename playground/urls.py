"""Which address is what: the page, the API."""

from django.urls import path

from playground.views.api import api
from playground.views.page import page

urlpatterns = [
    path("", page),
    path("api/", api.urls),
]
