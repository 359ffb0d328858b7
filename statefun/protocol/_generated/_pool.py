"""One private descriptor pool for all generated messages.

protoc's own Python output registers its files in the default pool, where a user's `types.proto` or a vendored copy of the
engine's contract under the same names would collide with ours, and it refuses to run on another major version of protobuf
than the one it was written for. A serialized descriptor has neither trouble.
"""

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

_POOL = descriptor_pool.DescriptorPool()


def load(serialized: bytes, package: str, *names: str) -> tuple[type[Message], ...]:
    """Add a file to the pool and give the classes of its top-level messages.

    Args:
        serialized: A `FileDescriptorProto` without imports.
        package: Its protobuf package.
        names: The messages, named within the package.

    Returns:
        A class for each name, with the classes of nested messages as attributes.
    """
    _POOL.AddSerializedFile(serialized)
    return tuple(_message_class(_POOL.FindMessageTypeByName(f"{package}.{name}")) for name in names)


def _message_class(descriptor: Descriptor) -> type[Message]:
    cls = message_factory.GetMessageClass(descriptor)
    for nested in descriptor.nested_types:
        nested_class = _message_class(nested)
        # upb finds nested messages by itself; the pure-Python implementation does so for generated code only.
        if not hasattr(cls, nested.name):
            setattr(cls, nested.name, nested_class)
    return cls
