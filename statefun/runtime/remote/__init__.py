"""Calling functions behind HTTP as the engines do: `client.EndpointClient`, which alone needs aiohttp (the extra `runtime`)."""
