"""Both wire protocols, in both roles.

`request` reads what an engine sends, whichever protocol it speaks, and `response` writes what a function answers; `engine` does
the reverse of both, and `transit` carries values from a response through a store into a request. `values` wraps and unwraps single
values, `records` names, writes and reads egress records, `egress` reads them as an engine does, `kinesis` takes bundles of records
apart, `limits` counts a batch without parsing it. The generated message classes live in a descriptor pool of their own.
"""
