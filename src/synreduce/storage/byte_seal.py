"""A digest of all bytes of a file at its end, so that damage is found before HDF5 sees the file.

HDF5 takes no notice of what follows its own content, and never returns from some damaged files.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from synreduce.errors import ArtefactError, Problem
from synreduce.storage.screening import require_regular_file, require_signature

_MARK = b"SYNREDUCE-SHA256"
_DIGEST_BYTES = hashlib.sha256().digest_size


def sealed_bytes(content: bytes) -> bytes:
    """Put the digest of a file's content behind it.

    Parameters
    ----------
    content : bytes
        Of a complete file.

    Returns
    -------
    bytes
    """
    return content + _MARK + hashlib.sha256(content).digest()


def verify_bytes(path: str | Path) -> None:
    """Compare the bytes of an HDF5 file with the digest at its end.

    Parameters
    ----------
    path : str or Path
        Written by `publish_small_hdf5`.

    Raises
    ------
    ArtefactError
        If a byte is not what was written.
    DataError
        If it is missing, no file, or not HDF5.
    """
    target = Path(path)
    require_regular_file(target)
    require_signature(target)
    stored = target.read_bytes()
    if stored != sealed_bytes(stored[: -len(_MARK) - _DIGEST_BYTES]):
        what = "its bytes are not those that were written"
        fix = "remove the file and run the same command again"
        raise ArtefactError(Problem("damaged", str(target), what, fix))
