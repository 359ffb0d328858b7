"""Functions over HTTP: one file for each way of serving. `asgi` and `wsgi` need nothing, `aiohttp` needs aiohttp."""
