"""The neutral model of a module: endpoints, ingresses and egresses as frozen values, which every engine is given or rendered from.

| file | what it holds |
|---|---|
| `files` | the file ingress and egress, and the bound form that the runtime is given |
"""

from statefun.model.files import BoundEgress, BoundIngress, FileEgress, FileIngress, RowEncoder

__all__ = ["BoundEgress", "BoundIngress", "FileEgress", "FileIngress", "RowEncoder"]
