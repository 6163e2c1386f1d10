"""What an artefact of a chunk says about itself, and whether that is what a reader expects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from synreduce.errors import ArtefactError, Problem, SynreduceError


@dataclass(frozen=True)
class ArtefactIdentity:
    """What an artefact was made from.

    Parameters
    ----------
    chunk : str
        Id of the chunk, ``d0000-1500/t0258-0259``.
    digest : str
        Digest of everything that decides the numbers: data, configuration, version of the method.
    database_fingerprint : str
        Fingerprint of the content of the databases.
    code_version : str
        Version of the package that wrote it.
    """

    chunk: str
    digest: str
    database_fingerprint: str
    code_version: str

    def attributes(self) -> dict[str, str]:
        """Give the identity as attributes of a file.

        Returns
        -------
        dict of str to str
        """
        return asdict(self)

    @classmethod
    def of(cls, attributes: Mapping[str, object]) -> ArtefactIdentity:
        """Read the identity from attributes of a file.

        Parameters
        ----------
        attributes : mapping
            Root attributes.

        Returns
        -------
        ArtefactIdentity
            Absent entries are empty.
        """
        names = ("chunk", "digest", "database_fingerprint", "code_version")
        return cls(*(str(attributes.get(name, "")) for name in names))

    def require(self, path: Path, expected: ArtefactIdentity) -> None:
        """Refuse an artefact of another chunk, database or configuration.

        The version of the package is for information: the digest covers what changes numbers.

        Parameters
        ----------
        path : Path
            The artefact.
        expected : ArtefactIdentity
            What the reader needs.

        Raises
        ------
        ArtefactError
            With both values of every entry that differs.
        """
        fix = "remove the file and run the same command again"
        problems = [
            Problem("other-artefact", str(path), f"{name} is {found!r}, expected {wanted!r}", fix)
            for name, found, wanted in (
                ("chunk", self.chunk, expected.chunk),
                ("database_fingerprint", self.database_fingerprint, expected.database_fingerprint),
                ("digest", self.digest, expected.digest),
            )
            if found != wanted
        ]
        if problems:
            raise ArtefactError(problems)


def damaged(path: Path, what: str) -> ArtefactError:
    """Make the error for an artefact whose content is not what was written.

    Parameters
    ----------
    path : Path
        The artefact.
    what : str
        What is wrong.

    Returns
    -------
    ArtefactError
    """
    fix = "remove the file and run the same command again"
    return ArtefactError(Problem("damaged-artefact", str(path), what, fix))


@contextmanager
def damage_named(path: Path | str) -> Iterator[None]:
    """Turn what h5py raises while reading a damaged file into an error that names the file.

    Parameters
    ----------
    path : Path or str
        The artefact being read.

    Yields
    ------
    None

    Raises
    ------
    ArtefactError
        If something could not be read.
    """
    try:
        yield
    except (OSError, RuntimeError, ValueError, LookupError, TypeError, AttributeError) as error:
        if isinstance(error, SynreduceError):
            raise
        raise damaged(Path(path), f"cannot be read completely ({error})") from error
