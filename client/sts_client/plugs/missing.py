"""A package that a plug is for and that is not there: one line says what to install."""


def missing(error: ImportError, package: str, install: str) -> ImportError:
    """Return what to raise for an import that failed.

    Args:
        error: what Python said.
        package: name that was to be imported.
        install: what `pip install` wants to be told.
    """
    if (error.name or "").partition(".")[0] != package:
        # It is there, and lacks something itself: its own words are the better ones.
        return error
    return ImportError(f"{package} is not installed: pip install {install}", name=package)
