"""From what a user wrote of an ingress or an egress to its bound form, in which there are only names, bytes and the functions between.

| file | what it holds |
|---|---|
| `ingresses` | the bound form of an ingress |
| `egresses` | the bound form of an egress |
| `rows_to_messages` | what an ingress reads from a file or from standard input becomes typed |
| `messages_to_text` | what a function sends to a file, to standard output or to a webhook |
| `messages_to_tables` | the columns that a message type has, and the cells of a message |
| `own` | what an object of a user's own must have to be an ingress or an egress |
| `handled` | an ingress held against what its targets handle |
"""
