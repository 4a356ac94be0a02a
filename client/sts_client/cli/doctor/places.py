"""Places: where an examination tries what should work, and where what should not. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Places:
    """Names that nobody uses, inside a lease's prefix and outside.

    Attributes:
        probe: an object inside, or None where the prefix is one object, which is somebody's.
        link: another one inside, or None.
        outside: objects that must not be reached: the first differs from the prefix by its end.
        listings: prefixes that must not be listed.
    """

    probe: str | None
    link: str | None
    outside: tuple[str, ...]
    listings: tuple[str, ...]


def places(prefix: str, mark: str) -> Places:
    """Choose them.

    Args:
        prefix: of the lease: a folder ends in ``/``, "" is the whole bucket, else one object.
        mark: a text that is part of no other name.
    """
    name = f"sts-doctor-{mark}"
    folder = not prefix or prefix.endswith("/")
    probe = f"{prefix}{name}" if folder else None
    link = f"{prefix}{name}-link" if folder else None
    if not prefix:
        return Places(probe, link, (), ())
    bare = prefix.removesuffix("/")
    # What a policy without its last slash would let through, and what lies far away.
    sibling = f"{bare}-{name}/probe" if folder else f"{bare}-{name}"
    parent = bare.rpartition("/")[0]
    above = [*([bare] if folder else []), *([f"{parent}/"] if parent else []), ""]
    return Places(probe, link, (sibling, f"{name}/probe"), tuple(above))
