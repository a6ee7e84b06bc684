"""What went wrong, in words for the person at the terminal."""

import errno


class LaunchError(Exception):
    """One sentence that says what stands in the way and what to do about it."""


def disk_full(where: object) -> LaunchError:
    """The disk has no space left, wherever that was noticed."""
    return LaunchError(f"The disk that holds {where} is full; free some space and start again.")


def explain(error: OSError, where: object) -> LaunchError:
    """Turn an error of the operating system into a sentence."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(error.filename or where)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return LaunchError(
            f"{error.filename or where} cannot be written ({error.strerror}); start as the user who owns it, "
            "or remove it if an earlier start as another user made it."
        )
    return LaunchError(f"{error.filename or where}: {error.strerror or error}.")
