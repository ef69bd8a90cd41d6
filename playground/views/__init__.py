"""What answers HTTP: the page, the API, static files, and the guard before them."""
