"""Variables of a merged file by name and label.

For what only prints: xarray, which `Result.dataset` gives, takes longer to import and to open a
file than all of the rest.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import h5py
    from numpy.typing import NDArray


class StoredVariables:
    """Read variables of an open merged file.

    Parameters
    ----------
    file : h5py.File
        Open for reading.
    """

    def __init__(self, file: h5py.File) -> None:
        self._file = file

    def __contains__(self, name: str) -> bool:
        return name in self._file

    def attribute(self, name: str) -> str:
        """Read an attribute of the file.

        Parameters
        ----------
        name : str
            Such as "title".

        Returns
        -------
        str
        """
        return str(self._file.attrs[name])

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Length of each dimension."""
        return {name: data.shape[0] for name, data in self._file.items() if _is_scale(data)}

    def labels(self, dimension: str) -> list[str]:
        """Read the names along a dimension.

        Parameters
        ----------
        dimension : str
            Such as "split".

        Returns
        -------
        list of str
        """
        return [str(label) for label in self._file[dimension].asstr()[()]]

    def values(self, name: str, **at: str | int) -> NDArray[Any]:
        """Read a variable, or the part of it at some labels.

        Parameters
        ----------
        name : str
            Of the variable.
        **at : str or int
            Label or position along dimensions, which the result lacks.

        Returns
        -------
        numpy.ndarray
        """
        data = self._file[name]
        dimensions = [scales[0].name.lstrip("/") for scales in data.dims]
        where = tuple(
            self._position(dimension, at[dimension]) if dimension in at else slice(None)
            for dimension in dimensions
        )
        return np.asarray(data[where])

    def _position(self, dimension: str, label: str | int) -> int:
        return label if isinstance(label, int) else self.labels(dimension).index(label)


def _is_scale(data: h5py.HLObject) -> bool:
    return "CLASS" in data.attrs and data.attrs["CLASS"] == b"DIMENSION_SCALE"
