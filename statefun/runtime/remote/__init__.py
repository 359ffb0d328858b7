"""Calling functions behind HTTP as the engines do: `client.EndpointClient`. A run without endpoints imports none of it, nor aiohttp."""
