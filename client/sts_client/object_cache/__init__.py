"""Objects kept on disk, and read from there whenever OSS says that they are still the same."""

from sts_client.object_cache.cache import CachedObjects
from sts_client.object_cache.reading import CachedObject

__all__ = ["CachedObject", "CachedObjects"]
